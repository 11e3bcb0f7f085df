//! Forms with a file in them, as browsers send them.
//!
//! Source: RFC 7578; protocol dossier 10.1, 10.3.

use std::io::Write as _;

/// A form on its way.
pub(crate) struct Multipart {
    boundary: String,
    body: Vec<u8>,
}

impl Multipart {
    pub(crate) fn new() -> Self {
        let boundary = format!("----WebKitFormBoundary{:016x}", rand::random::<u64>());
        Self { boundary, body: Vec::new() }
    }

    /// Adds a field.
    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.part(&format!("form-data; name=\"{name}\""), None, value.as_bytes());
        self
    }

    /// Adds a file.
    pub(crate) fn file(mut self, name: &str, filename: &str, bytes: &[u8]) -> Self {
        let filename: String = filename.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).collect();
        let disposition = format!("form-data; name=\"{name}\"; filename=\"{filename}\"");
        self.part(&disposition, Some("application/octet-stream"), bytes);
        self
    }

    /// The content type and the body.
    pub(crate) fn finish(mut self) -> (String, Vec<u8>) {
        let end = format!("--{}--\r\n", self.boundary);
        self.body.extend_from_slice(end.as_bytes());
        (format!("multipart/form-data; boundary={}", self.boundary), self.body)
    }

    fn part(&mut self, disposition: &str, kind: Option<&str>, content: &[u8]) {
        let kind = kind.map_or_else(String::new, |kind| format!("Content-Type: {kind}\r\n"));
        // Writing to memory cannot fail.
        let _ = write!(self.body, "--{}\r\nContent-Disposition: {disposition}\r\n{kind}\r\n", self.boundary);
        self.body.extend_from_slice(content);
        self.body.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_its_fields_and_its_file() {
        let form = Multipart { boundary: "B".to_owned(), body: Vec::new() };
        let (kind, body) = form.field("uin", "1").file("file", "a\"\r\n图.png", b"\x89PNG").finish();
        assert_eq!(kind, "multipart/form-data; boundary=B");
        let expected: Vec<&[u8]> = vec![
            b"--B\r\nContent-Disposition: form-data; name=\"uin\"\r\n\r\n1\r\n",
            "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a图.png\"\r\n".as_bytes(),
            b"Content-Type: application/octet-stream\r\n\r\n\x89PNG\r\n--B--\r\n",
        ];
        assert_eq!(body, expected.concat());
    }
}
