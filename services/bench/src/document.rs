//! The document that holds the last tables.

use std::path::Path;

use crate::Error;

const BEGIN: &str = "<!-- written by make bench -->";
const END: &str = "<!-- end of what make bench writes -->";

/// Replaces what is between the markers.
///
/// # Errors
/// Where the document cannot be read or written, or has no markers.
pub(crate) fn write(path: &Path, tables: &str) -> Result<(), Error> {
    let text = std::fs::read_to_string(path).map_err(Error::io(format!("reading {}", path.display())))?;
    let no_markers = || Error::NoMarkers { path: path.to_owned(), begin: BEGIN, end: END };
    let text = replace(&text, tables).ok_or_else(no_markers)?;
    std::fs::write(path, text).map_err(Error::io(format!("writing {}", path.display())))
}

fn replace(text: &str, tables: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", tables.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let text = format!("# Speed\n{BEGIN}\nold\n{END}\nend\n");
        let new = replace(&text, "new\n").unwrap();
        assert_eq!(new, format!("# Speed\n{BEGIN}\n\nnew\n\n{END}\nend\n"));
        assert_eq!(replace(&new, "new").unwrap(), new);
        assert_eq!(replace("# Speed\n", "new"), None);
    }
}
