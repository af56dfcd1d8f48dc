/// Grows when the same snapshot means something else than before: the next run compares everything.
pub(super) const PLAN: u32 = 2;
