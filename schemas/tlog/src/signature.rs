//! What does one line under a note say? C2SP `signed-note.md`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::name::is_key_name;

const LINE_START: &str = "\u{2014} ";

/// One signature line: who, by which key (claimed until verified), and the bytes after the key id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Signature {
    /// Name of the key.
    pub name: String,
    /// Id of the key, four bytes.
    pub id: [u8; 4],
    /// The signature without the id: 64 bytes for Ed25519, 72 with the time of a cosignature; anything for unknown types.
    pub bytes: Vec<u8>,
}

impl Signature {
    /// Name and id of the key as claimed: `name+0a1b2c3d`.
    #[must_use]
    pub fn id_text(&self) -> String {
        format!("{}+{}", self.name, hex::encode(self.id))
    }

    /// Reads the line, or says what is wrong with it.
    pub(crate) fn parse(line: &str) -> Result<Self, &'static str> {
        let rest = line.strip_prefix(LINE_START).ok_or("it does not begin with U+2014 and a space")?;
        let (name, encoded) = rest.split_once(' ').ok_or("there is no space after the name")?;
        if !is_key_name(name) {
            return Err("the name is empty, too long, or holds a space, control character or `+`");
        }
        let bytes = STANDARD.decode(encoded).map_err(|_| "the signature is not standard base64")?;
        match bytes.split_first_chunk::<4>() {
            Some((id, signature)) if !signature.is_empty() => {
                Ok(Self { name: name.to_owned(), id: *id, bytes: signature.to_vec() })
            }
            _ => Err("the signature is shorter than 5 bytes"),
        }
    }
}

/// Writes the line, without a newline.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.id.to_vec();
        bytes.extend(&self.bytes);
        write!(f, "{LINE_START}{} {}", self.name, STANDARD.encode(bytes))
    }
}
