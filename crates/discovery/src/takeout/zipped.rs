use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Packs all files of `folder` into the new zip file `target`, readable by its owner alone, and
/// syncs it; ZIP64 where sizes ask for it. `go_on` is asked before each file; `false` ends the work
/// and leaves an unfinished file.
///
/// # Errors
/// When a file cannot be read, or `target` exists or cannot be written.
pub fn zip_folder(folder: &Path, target: &Path, go_on: &dyn Fn() -> bool) -> io::Result<bool> {
    use std::os::unix::fs::OpenOptionsExt as _;

    let file = File::options().write(true).create_new(true).mode(0o600).open(target)?;
    let mut zip = ZipWriter::new(BufWriter::new(file));
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        let mut names: Vec<_> =
            std::fs::read_dir(folder.join(&inner))?.collect::<Result<_, _>>()?;
        names.sort_by_key(std::fs::DirEntry::file_name);
        for entry in names {
            let name = inner.join(entry.file_name());
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                folders.push(name);
                continue;
            }
            if !go_on() {
                return Ok(false);
            }
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .large_file(metadata.len() >= u64::from(u32::MAX))
                .unix_permissions(0o600);
            zip.start_file(name.to_string_lossy(), options).map_err(io::Error::other)?;
            io::copy(&mut File::open(entry.path())?, &mut zip)?;
        }
    }
    let mut buffered = zip.finish().map_err(io::Error::other)?;
    buffered.flush()?;
    buffered.get_ref().sync_all()?;
    Ok(true)
}
