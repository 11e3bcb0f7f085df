//! Forms with a file in them, as browsers send them.

use std::collections::HashMap;

use bytes::Bytes;

/// A form.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) fields: HashMap<String, String>,
    /// The file's field, its name and its bytes.
    pub(super) file: Option<(String, String, Bytes)>,
}

impl Form {
    /// A field; empty when missing.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// Reads `body`; `None` when it is no such form.
    pub(super) fn read(content_type: &str, body: &Bytes) -> Option<Self> {
        let boundary = content_type.strip_prefix("multipart/form-data")?.split_once("boundary=")?.1.trim_matches('"');
        let mark = format!("--{boundary}");
        let (mut form, mut rest) = (Self::default(), body.clone());
        take_line(&mut rest, mark.as_bytes())?;
        loop {
            let headers = cut(&mut rest, b"\r\n\r\n")?;
            let content = cut(&mut rest, format!("\r\n{mark}").as_bytes())?;
            form.add(&String::from_utf8_lossy(&headers), content)?;
            if rest.starts_with(b"--") {
                return Some(form);
            }
            take_line(&mut rest, b"")?;
        }
    }

    fn add(&mut self, headers: &str, content: Bytes) -> Option<()> {
        let disposition = headers.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
        let quoted =
            |name: &str| Some(disposition.split_once(&format!("; {name}=\""))?.1.split_once('"')?.0.to_owned());
        let name = quoted("name")?;
        match quoted("filename") {
            Some(filename) => self.file = Some((name, filename, content)),
            None => {
                self.fields.insert(name, String::from_utf8_lossy(&content).into_owned());
            }
        }
        Some(())
    }
}

/// Takes `start` and the end of its line off.
fn take_line(rest: &mut Bytes, start: &[u8]) -> Option<()> {
    let line = [start, b"\r\n"].concat();
    if !rest.starts_with(&line) {
        return None;
    }
    *rest = rest.slice(line.len()..);
    Some(())
}

/// Takes off everything up to `mark`, which goes as well.
fn cut(rest: &mut Bytes, mark: &[u8]) -> Option<Bytes> {
    let at = rest.windows(mark.len()).position(|window| window == mark)?;
    let before = rest.slice(..at);
    *rest = rest.slice(at + mark.len()..);
    Some(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=B";

    #[test]
    fn a_form_is_read_with_its_file() {
        let body =
            b"--B\r\nContent-Disposition: form-data; name=\"uin\"\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; \
            name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\x89P\r\nNG\r\n--B--\r\n";
        let form = Form::read(KIND, &Bytes::from_static(body)).unwrap();
        assert_eq!((form.field("uin"), form.field("none")), ("1", ""));
        let (name, filename, bytes) = form.file.unwrap();
        assert_eq!((name.as_str(), filename.as_str(), bytes.as_ref()), ("file", "a.png", b"\x89P\r\nNG".as_slice()));
    }

    #[test]
    fn anything_else_is_none() {
        for body in [&b""[..], b"--B--", b"--B\r\n\r\n\r\n--B--", b"--B\r\nContent-Disposition: form-data\r\n\r\n1"] {
            assert!(Form::read(KIND, &Bytes::from_static(body)).is_none(), "{body:?}");
        }
        assert!(Form::read("text/plain", &Bytes::new()).is_none());
    }
}
