//! What we stored, read back byte for byte by the clients that people use: boto3 and
//! awscli.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use trainyard_objectstore::{upload_file, upload_tree};
use trainyard_testkit::aws_cli::AwsCli;
use trainyard_testkit::s3::S3Server;

use crate::support::{bucket, content, files};

const BLOCK: usize = 1 << 20;
const SIZES: [u64; 5] = [0, 1, (5 << 20) - 1, (5 << 20) + 1, 1 << 30];
/// Sizes up to here are put as one piece as well.
const PUT_MAX: u64 = 6 << 20;
/// Names have at most 255 bytes on a disk, keys at most 1,024 in S3.
const NAME_MAX: usize = 255;
const KEY_MAX: usize = 1024;
const ODD_KEYS: usize = 1000;

#[tokio::test(flavor = "multi_thread")]
async fn boto3_and_awscli_read_back_each_size() {
    let server = S3Server::start().unwrap();
    server.create_bucket("sizes").unwrap();
    let store = bucket(&server, "sizes").await;
    let here = tempfile::tempdir().unwrap();
    let mut expected = BTreeMap::new();
    for size in SIZES {
        let path = here.path().join("file");
        let digest = make(&path, size);
        let sent = upload_file(&store, &path, &format!("file/{size}")).await.unwrap();
        assert_eq!(sent.bytes, size);
        if size <= PUT_MAX {
            let whole = Bytes::from(fs::read(&path).unwrap());
            store.put(&format!("put/{size}"), whole).await.unwrap();
            expected.insert(format!("put/{size}"), (size, digest.clone()));
        }
        expected.insert(format!("file/{size}"), (size, digest));
        fs::remove_file(path).unwrap();
    }

    let (keys, digests): (Vec<String>, Vec<_>) = expected.into_iter().unzip();
    assert_eq!(server.digests("sizes", &keys).unwrap(), digests);
    let aws = AwsCli::new(&server.endpoint(), server.access_key(), server.secret_key()).unwrap();
    for (key, digest) in keys.iter().zip(&digests) {
        assert_eq!(read_by_awscli(&aws, &format!("s3://sizes/{key}")), *digest, "{key}");
    }
    assert_eq!(server.unfinished_uploads("sizes").unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_and_awscli_read_back_a_thousand_odd_keys() {
    let server = S3Server::start().unwrap();
    server.create_bucket("odd-keys").unwrap();
    let store = bucket(&server, "odd-keys").await;
    let here = tempfile::tempdir().unwrap();
    let src = here.path().join("src");
    let names = odd_keys();
    for (seed, name) in names.iter().enumerate() {
        let path = src.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content(seed % 700, seed as u64)).unwrap();
    }
    let expected = files(&src);
    assert_eq!(expected.len(), ODD_KEYS);
    let sent = upload_tree(&store, &src, "r", &|_| {}).await.unwrap();
    assert_eq!((sent.objects, sent.notes), (ODD_KEYS as u64, Vec::new()));

    let mut listed: Vec<String> =
        server.list("odd-keys").unwrap().into_iter().map(|(key, _)| key).collect();
    listed.sort_unstable();
    let mut keys: Vec<String> = expected.keys().map(|name| format!("r/{name}")).collect();
    keys.sort_unstable();
    assert!(listed == keys, "boto3 lists other keys");
    let digests = server.digests("odd-keys", &keys).unwrap();
    for (key, digest) in keys.iter().zip(digests) {
        let content = &expected[&key[2..]];
        assert_eq!(digest, (content.len() as u64, hex(Sha256::digest(content))), "{key}");
    }

    let aws = AwsCli::new(&server.endpoint(), server.access_key(), server.secret_key()).unwrap();
    let dest = here.path().join("dest");
    let fetched = aws
        .command(&["s3", "cp", "--recursive", "--only-show-errors", "s3://odd-keys/r/"])
        .unwrap()
        .arg(&dest)
        .output()
        .unwrap();
    assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
    assert!(files(&dest) == expected, "awscli fetches other files");
}

/// Writes a file whose blocks all differ, without ever holding it; tells its digest.
fn make(path: &Path, size: u64) -> String {
    let mut file = File::create(path).unwrap();
    let mut block = content(BLOCK, size);
    let mut digest = Sha256::new();
    let mut left = size;
    while left > 0 {
        block[..8].copy_from_slice(&left.to_le_bytes());
        let length = block.len().min(usize::try_from(left).unwrap());
        file.write_all(&block[..length]).unwrap();
        digest.update(&block[..length]);
        left -= length as u64;
    }
    hex(digest.finalize())
}

/// Length and digest of what awscli writes to its stdout.
fn read_by_awscli(aws: &AwsCli, url: &str) -> (u64, String) {
    let mut process = aws
        .command(&["s3", "cp", "--only-show-errors", url, "-"])
        .unwrap()
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = process.stdout.take().unwrap();
    let (mut digest, mut length, mut piece) = (Sha256::new(), 0, vec![0; BLOCK]);
    loop {
        let read = stdout.read(&mut piece).unwrap();
        if read == 0 {
            break;
        }
        digest.update(&piece[..read]);
        length += read as u64;
    }
    assert!(process.wait().unwrap().success(), "{url}");
    (length, hex(digest.finalize()))
}

fn hex(digest: impl AsRef<[u8]>) -> String {
    digest.as_ref().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Relative paths that are odd each in its way, up to the longest key behind the prefix `r/`.
fn odd_keys() -> Vec<String> {
    const ODDITIES: [&str; 25] = [
        " ",
        "+",
        "%2F",
        "%2f..%2F",
        "..",
        "👩‍🚀",
        "🚂",
        "ü",
        "日本語",
        "&",
        "&amp;",
        "<a>",
        "\"",
        "'",
        "#",
        "?x=y",
        ";",
        "=",
        "%",
        "%zz",
        "~*()!$,@",
        "[]{}|^`",
        "\u{7f}",
        "e\u{301}",
        "𝔘",
    ];
    let mut keys = Vec::new();
    for number in 0..ODD_KEYS {
        let one = ODDITIES[number % ODDITIES.len()];
        let two = ODDITIES[number / ODDITIES.len() % ODDITIES.len()];
        // `..` alone would be another folder; within a name it is a name.
        let mut key = match number % 4 {
            0 => format!("{one}{two}{number}"),
            1 => format!("folder {one}{number}/..{two}"),
            2 => format!(".{number}{one}/deep{two}/{two}er"),
            _ => format!("a{one}..{two}b/ {number} "),
        };
        if number % 10 == 9 {
            // Long ones, of every length up to the longest.
            let longest = KEY_MAX - "r/".len() - (number - 9) / 10 * 8;
            while key.len() + 1 < longest {
                key.push('/');
                key += &"x".repeat(NAME_MAX.min(longest - key.len()));
            }
        }
        keys.push(key);
    }
    keys
}
