mod mboxes;
mod trees;
