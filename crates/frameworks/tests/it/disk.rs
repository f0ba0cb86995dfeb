//! What environments cost, and how they go: never one that is used.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use trainyard_frameworks::{Environment, Environments, Going, Pruned, Stays};

use crate::house::{House, finished, six_of};

/// Everything, however lately it was used.
fn all() -> Going {
    Going::NotUsedSince(SystemTime::now() + Duration::from_hours(1))
}

fn nothing() -> HashSet<String> {
    HashSet::new()
}

/// What a learner does.
fn use_it(environment: &Environment, at: SystemTime) -> anyhow::Result<File> {
    let path = environment.use_file();
    let file = File::options().create(true).append(true).open(path)?;
    file.try_lock_shared()?;
    file.set_modified(at)?;
    Ok(file)
}

fn hashes(pruned: &Pruned) -> Vec<&str> {
    pruned.removed.iter().map(|one| one.hash.as_str()).collect()
}

fn stays(pruned: &Pruned, environment: &Environment) -> Option<Stays> {
    let mut kept = pruned.kept.iter();
    kept.find(|(one, _)| one.hash == environment.lock_hash).map(|(_, stays)| *stays)
}

async fn built(house: &House, number: u32) -> anyhow::Result<Environment> {
    finished(&house.environments(), &house.variant(number)?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_used_built_or_needed_stays_and_goes_afterwards() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let house = House::apart(folder.path())?;
    let (environments, release) = (house.environments(), house.release()?);
    let began = SystemTime::now() - Duration::from_secs(1);
    let environment = finished(&environments, &release).await?;
    assert_eq!(environments.hash_of(&release).as_ref(), Some(&environment.lock_hash));
    assert_eq!(environments.builds(), 1);

    // What was never used counts from when it was built, however often one looks.
    for _ in 0..2 {
        let kept = environments.inventory()?;
        let [one] = kept.as_slice() else { anyhow::bail!("{kept:?}") };
        assert_eq!((one.release.as_str(), one.in_use), ("six 1.17", false));
        assert!(one.bytes > 30_000 && one.build_seconds > 0.0, "{one:?}");
        assert!(one.last_used > began && one.last_used <= SystemTime::now(), "{one:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let lately = Going::NotUsedSince(SystemTime::now() - Duration::from_mins(1));
    let pruned = environments.prune(lately, &nothing())?;
    assert_eq!(stays(&pruned, &environment), Some(Stays::Wanted));

    // Used by another process, or by this one: the lock makes no difference.
    let (one, two) =
        (use_it(&environment, SystemTime::now())?, use_it(&environment, SystemTime::now())?);
    assert!(environments.inventory()?.iter().all(|one| one.in_use));
    let pruned = environments.prune(all(), &nothing())?;
    assert_eq!(stays(&pruned, &environment), Some(Stays::InUse));
    drop(one);
    let pruned = environments.prune(all(), &nothing())?;
    assert_eq!(stays(&pruned, &environment), Some(Stays::InUse));
    assert_eq!(six_of(&environment)?, "1.17.0");
    drop(two);

    let needed = HashSet::from([environment.lock_hash.clone()]);
    let pruned = environments.prune(all(), &needed)?;
    assert_eq!(stays(&pruned, &environment), Some(Stays::Needed));
    let building = File::options().append(true).open(environment.root.with_extension("lock"))?;
    building.try_lock()?;
    let pruned = environments.prune(all(), &nothing())?;
    assert_eq!(stays(&pruned, &environment), Some(Stays::InUse));
    assert_eq!(six_of(&environment)?, "1.17.0");
    drop(building);

    let told = environments.would_go(all(), &nothing())?;
    assert_eq!(hashes(&told), [&environment.lock_hash]);
    assert!(environments.ready(&release).is_some(), "nothing was to be removed");
    let pruned = environments.prune(all(), &nothing())?;
    assert_eq!(hashes(&pruned), [&environment.lock_hash]);
    assert!(pruned.kept.is_empty() && !pruned.untidy && pruned.freed > 30_000, "{pruned:?}");
    assert!(!environment.root.exists() && environments.ready(&release).is_none());
    assert_eq!(environments.inventory()?, []);

    // And whoever needs it has it again.
    let again = finished(&environments, &release).await?;
    assert_eq!((again.root == environment.root, six_of(&again)?.as_str()), (true, "1.17.0"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_least_recently_used_gives_way_and_never_one_in_use() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let house = House::apart(folder.path())?;
    let mut made = Vec::new();
    for number in 0..4 {
        made.push(built(&house, number).await?);
    }
    let environments = house.environments();
    // What was built last is what was used longest ago; the very oldest still is.
    let ago = |minutes| SystemTime::now() - Duration::from_mins(minutes);
    for one in &made {
        let mark = File::options().append(true).open(one.root.join(".ready.json"))?;
        mark.set_modified(ago(60))?;
    }
    let in_use = use_it(&made[3], ago(40))?;
    for (at, minutes) in [(2, 30), (1, 20), (0, 10)] {
        drop(use_it(&made[at], ago(minutes))?);
    }
    let order: Vec<_> = environments.inventory()?.into_iter().map(|one| one.hash).collect();
    let expected: Vec<_> = made.iter().rev().map(|one| one.lock_hash.clone()).collect();
    assert_eq!(order, expected);

    let bytes: u64 = environments.inventory()?.iter().map(|one| one.bytes).sum();
    let fit = |environments: &Environments, bytes| {
        environments.prune(Going::UntilTheyFit(Some(bytes)), &nothing())
    };
    assert_eq!(hashes(&fit(&environments, bytes)?), [""; 0], "they fit");
    // As with another process: it knows nothing of this one but the files.
    let pruned = fit(&house.environments(), bytes - 1)?;
    assert_eq!(hashes(&pruned), [&made[2].lock_hash]);
    assert_eq!(stays(&pruned, &made[3]), Some(Stays::InUse));
    let pruned = fit(&environments, 0)?;
    assert_eq!(hashes(&pruned), [&made[1].lock_hash, &made[0].lock_hash]);
    assert_eq!(six_of(&made[3])?, "1.17.0");
    drop(in_use);
    assert_eq!(hashes(&fit(&environments, 0)?), [&made[3].lock_hash]);

    // Without a number there is room for one on any disk that tests run on.
    let one = built(&house, 0).await?;
    let pruned = environments.prune(Going::UntilTheyFit(None), &nothing())?;
    assert_eq!(stays(&pruned, &one), Some(Stays::Wanted));
    Ok(())
}

fn packages(house: &House) -> anyhow::Result<Vec<PathBuf>> {
    let archive = house.cache().join("uv/cache/archive-v0");
    let entries = fs::read_dir(&archive).with_context(|| archive.display().to_string())?;
    Ok(entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?)
}

fn is_linked(path: &Path) -> anyhow::Result<bool> {
    Ok(std::os::unix::fs::MetadataExt::nlink(&fs::metadata(path.join("six.py"))?) > 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_go_with_the_last_environment_that_has_them() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let house = House::apart(folder.path())?;
    let (one, two) = (built(&house, 1).await?, built(&house, 2).await?);
    let environments = house.environments();
    let kept = packages(&house)?;
    let [six] = kept.as_slice() else { anyhow::bail!("{kept:?}") };
    if !is_linked(six)? {
        // A disk that clones files instead: then copies of packages can go at any time.
        return Ok(());
    }
    let using = use_it(&two, SystemTime::now())?;
    let pruned = environments.prune(all(), &nothing())?;
    assert_eq!((hashes(&pruned), pruned.untidy), (vec![one.lock_hash.as_str()], false));
    assert!(six.exists(), "the other environment has it, too");
    let only_its_own = pruned.freed;
    drop(using);

    // While somebody installs they stay, and go when that is over.
    let installing = File::options().append(true).open(house.cache().join("uv/gate"))?;
    installing.try_lock_shared()?;
    let pruned = environments.prune(all(), &nothing())?;
    assert_eq!((hashes(&pruned), pruned.untidy), (vec![two.lock_hash.as_str()], true));
    assert!(six.exists());
    assert!(pruned.freed < only_its_own + 20_000, "six.py itself is still there");
    drop(installing);
    // Or its tool does, which has outlived it.
    let orphan = File::options().append(true).open(two.root.with_extension("lock"))?;
    orphan.try_lock()?;
    assert!(environments.prune(all(), &nothing())?.untidy);
    assert!(six.exists());
    drop(orphan);
    let pruned = environments.prune(all(), &nothing())?;
    assert!(!pruned.untidy && pruned.freed > 30_000, "{pruned:?}");
    assert_eq!(packages(&house)?, Vec::<PathBuf>::new());
    assert_eq!(environments.prune(all(), &nothing())?.freed, 0, "there is nothing more");

    // uv fetches what it finds gone.
    assert_eq!(six_of(&built(&house, 1).await?)?, "1.17.0");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_that_were_not_unpacked_to_their_end_are_collected() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let house = House::apart(folder.path())?;
    let environment = built(&house, 1).await?;
    let environments = house.environments();
    let uv = house.cache().join("uv/cache");
    let drafts = [uv.join(".tmpAbCdEf"), uv.join("archive-v0/.tmpGhIjKl")];
    for draft in &drafts {
        fs::create_dir_all(draft.join("six"))?;
        fs::write(draft.join("six/six.py"), "half of it")?;
    }
    let installing = File::options().append(true).open(house.cache().join("uv/gate"))?;
    installing.try_lock_shared()?;
    assert_eq!(environments.collect_unfinished()?, Vec::<PathBuf>::new());
    drop(installing);
    let mut removed = environments.collect_unfinished()?;
    removed.sort_unstable();
    assert_eq!(removed, drafts);
    assert!(drafts.iter().all(|draft| !draft.exists()));
    assert_eq!(packages(&house)?.len(), 1, "what is whole stays");
    assert_eq!(six_of(&environment)?, "1.17.0");
    Ok(())
}
