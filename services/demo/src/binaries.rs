//! The services' own programs, beside the demo's.

use std::path::{Path, PathBuf};

use crate::Error;

/// Where the programs are that take part.
#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    /// The producer.
    pub(crate) producer: PathBuf,
    /// The consumer.
    pub(crate) consumer: PathBuf,
    /// The monitor.
    pub(crate) monitor: PathBuf,
}

impl Binaries {
    /// Finds them in the directory of the running program: cargo builds all of a workspace into one.
    ///
    /// # Errors
    /// Which one is missing, and how to build it.
    pub(crate) fn beside_this_program() -> Result<Self, Error> {
        let this = std::env::current_exe().map_err(|error| Error::io("finding this program", error))?;
        Self::in_directory(this.parent().unwrap_or(Path::new(".")))
    }

    fn in_directory(directory: &Path) -> Result<Self, Error> {
        let find = |name: &'static str| {
            let path = directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            if path.is_file() {
                return Ok(path);
            }
            let release = directory.file_name().is_some_and(|name| name == "release");
            Err(Error::MissingBinary { name, path, profile: if release { "--release " } else { "" } })
        };
        Ok(Self { producer: find("producer")?, consumer: find("consumer")?, monitor: find("monitor")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_the_command_that_builds_it() {
        let directory = tempfile::tempdir().unwrap();
        let release = directory.path().join("release");
        std::fs::create_dir(&release).unwrap();
        std::fs::write(release.join("producer"), "").unwrap();
        let error = Binaries::in_directory(&release).unwrap_err().to_string();
        assert!(error.contains("consumer is not there"), "{error}");
        assert!(
            error.ends_with("`cargo build --release -p producer -p consumer -p monitor -p demo` builds it"),
            "{error}"
        );
        ["consumer", "monitor"].iter().for_each(|name| std::fs::write(release.join(name), "").unwrap());
        assert_eq!(Binaries::in_directory(&release).unwrap().consumer, release.join("consumer"));
    }
}
