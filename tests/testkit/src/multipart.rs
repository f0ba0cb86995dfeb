//! Bodies of `multipart/form-data`, as a browser or curl would send them.

/// Does not occur in any part that a test sends.
const BOUNDARY: &str = "----trainyard-testkit-7f3a9c";

/// One part of a form.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The field's name.
    pub name: &'a str,
    /// The file's name.
    pub file_name: &'a str,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// The value of `Content-Type` and the body.
#[must_use]
pub fn form(parts: &[Part<'_>]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for Part { name, file_name, bytes } in parts {
        body.extend_from_slice(
            format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; \
                 filename=\"{file_name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
            )
            .as_bytes(),
        );
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

/// A submission: the definition as JSON, and the zip.
#[must_use]
pub fn submission(definition: &str, zip: &[u8]) -> (String, Vec<u8>) {
    form(&[
        Part { name: "training_definition", file_name: "job.json", bytes: definition.as_bytes() },
        Part { name: "model_definition", file_name: "model.zip", bytes: zip },
    ])
}
