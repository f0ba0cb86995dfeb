//! What this machine has to run on: its GPUs, or CPU slots in their place.

use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Nvml, cuda_driver_version_major, cuda_driver_version_minor};

/// How many CPU slots stand in for GPUs, so that every size fits.
const CPU_SLOTS: u32 = 4;

/// What slots are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotKind {
    /// Each is one GPU.
    Gpu,
    /// No GPU was found: each is a share of the processors, by agreement only.
    Cpu,
}

/// One slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Its number, from 0.
    pub number: u32,
    /// The GPU's UUID (`GPU-…`), which stays when numbers change.
    pub gpu_uuid: Option<String>,
    /// For people: the GPU's product name, or `CPU slot 0`.
    pub name: String,
}

/// All slots of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotInventory {
    /// What they are.
    pub kind: SlotKind,
    /// In order of their numbers.
    pub slots: Vec<Slot>,
    /// What drives the GPUs, if there are any.
    pub driver: Option<GpuDriver>,
}

/// NVIDIA's driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuDriver {
    /// Its own version: `580.95.05`.
    pub version: String,
    /// The newest CUDA that it serves: its major and minor version.
    pub cuda: (u32, u32),
}

impl SlotInventory {
    /// So many CPU slots.
    pub fn cpu(count: u32) -> Self {
        let slot = |number| Slot { number, gpu_uuid: None, name: format!("CPU slot {number}") };
        Self { kind: SlotKind::Cpu, slots: (0..count).map(slot).collect(), driver: None }
    }

    /// Looks what this machine has. NVIDIA's library is loaded if it is there.
    pub(crate) fn find() -> Self {
        match gpus() {
            Ok((slots, driver)) if !slots.is_empty() => {
                Self { kind: SlotKind::Gpu, slots, driver: Some(driver) }
            }
            Ok(_) => Self::cpu(CPU_SLOTS),
            Err(error) => {
                tracing::debug!(%error, "no GPU can be asked for");
                Self::cpu(CPU_SLOTS)
            }
        }
    }
}

fn gpus() -> Result<(Vec<Slot>, GpuDriver), NvmlError> {
    let nvml = Nvml::init()?;
    let cuda = nvml.sys_cuda_driver_version()?;
    let number = |part: i32| u32::try_from(part).unwrap_or(0);
    let cuda = (number(cuda_driver_version_major(cuda)), number(cuda_driver_version_minor(cuda)));
    let driver = GpuDriver { version: nvml.sys_driver_version()?, cuda };
    let mut slots = Vec::new();
    for index in 0..nvml.device_count()? {
        // One that has fallen off the bus does not take the others with it.
        let asked = nvml.device_by_index(index).and_then(|gpu| Ok((gpu.uuid()?, gpu.name()?)));
        match asked {
            Ok((uuid, name)) => {
                let number = u32::try_from(slots.len()).expect("GPUs are few");
                slots.push(Slot { number, gpu_uuid: Some(uuid), name });
            }
            Err(error) => tracing::warn!(index, %error, "a GPU does not answer and is left out"),
        }
    }
    Ok((slots, driver))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_something_to_run_on() {
        let found = SlotInventory::find();
        assert!(!found.slots.is_empty());
        for (number, slot) in (0u32..).zip(&found.slots) {
            assert_eq!(slot.number, number);
            assert_eq!(slot.gpu_uuid.is_some(), found.kind == SlotKind::Gpu);
            assert!(slot.gpu_uuid.as_ref().is_none_or(|uuid| uuid.starts_with("GPU-")), "{slot:?}");
        }
    }
}
