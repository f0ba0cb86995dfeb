//! Documents of the API as they are printed.

use trainyard_api::run::RunResource;

/// The API echoes the keys of the stores to whoever submitted the run, because
/// the official client needs them; in an output that is kept and passed on,
/// nobody does.
pub(crate) fn without_keys(mut run: RunResource) -> RunResource {
    let entity = &mut run.entity;
    let stores =
        entity.training_data_reference.iter_mut().chain([&mut entity.training_results_reference]);
    for store in stores {
        store.connection = std::mem::take(&mut store.connection).without_keys();
    }
    run
}
