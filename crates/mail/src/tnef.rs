//! TNEF.
pub struct Tnef {
    pub class: String,
    pub subject: String,
    pub text: Option<String>,
    pub html: Option<String>,
    pub attachments: Vec<TnefFile>,
    pub too_complex: bool,
}
pub struct TnefFile {
    pub name: String,
    pub media_type: String,
    pub content_id: Option<String>,
    pub octets: Vec<u8>,
    pub embedded: Option<Box<Tnef>>,
}
impl Tnef {
    pub fn readable(&self) -> String {
        String::new()
    }
}
pub fn read(_: &[u8]) -> Option<Tnef> {
    None
}
pub fn rtf_to_text(_: &[u8]) -> String {
    String::new()
}
