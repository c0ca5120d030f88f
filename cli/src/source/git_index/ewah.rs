//! Reads git's compressed bitmaps, EWAH (git-scm.com/docs/bitmap-format, appendix A).

use std::collections::BTreeSet;

/// The positions below `limit` whose bits are set in a serialized bitmap; `None` if it can't be read.
pub fn positions(bytes: &[u8], limit: usize) -> Option<BTreeSet<usize>> {
    let number = |at: usize| usize::try_from(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?)).ok();
    let (bits, count) = (number(0)?.min(limit), number(4)?);
    let end = count.checked_mul(8)?.checked_add(8)?;
    let mut words =
        bytes.get(8..end)?.chunks_exact(8).filter_map(|word| Some(u64::from_be_bytes(word.try_into().ok()?)));
    let mut set = BTreeSet::new();
    let mut position = 0usize;
    // Each run begins with a word that holds a bit, how many words consist of that bit, and how many plain words
    // follow.
    while position < bits
        && let Some(run) = words.next()
    {
        let repeated = usize::try_from((run >> 1) & 0xffff_ffff).ok()?.saturating_mul(64);
        let end = position.saturating_add(repeated).min(bits);
        if run & 1 == 1 {
            set.extend(position..end);
        }
        position = position.saturating_add(repeated);
        for _ in 0..run >> 33 {
            let word = words.next()?;
            set.extend((0..64).filter(|bit| word >> bit & 1 == 1).map(|bit| position.saturating_add(bit)));
            position = position.saturating_add(64);
        }
    }
    set.retain(|position| *position < bits);
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bitmap(bits: u32, words: &[u64]) -> Vec<u8> {
        let count = u32::try_from(words.len()).unwrap();
        let mut bytes = [bits.to_be_bytes(), count.to_be_bytes()].concat();
        bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        // The position of the last run, which a reader doesn't need.
        bytes.extend([0; 4]);
        bytes
    }

    #[test]
    fn runs_and_plain_words_are_read() {
        // 64 zeros, a plain word with bits 1 and 63, then 128 ones, of which the bitmap has 10.
        let words = [(1 << 33) | (1 << 1), (1 << 63) | 2, (2 << 1) | 1];
        let set = positions(&bitmap(138, &words), 1000).unwrap();
        let want: BTreeSet<usize> = [65, 127].into_iter().chain(128..138).collect();
        assert_eq!(set, want);
        assert_eq!(positions(&bitmap(138, &words), 100).unwrap(), BTreeSet::from([65]));
        assert_eq!(positions(&bitmap(0, &[]), 5), Some(BTreeSet::new()));
    }

    #[test]
    fn a_hostile_bitmap_uses_little_memory_or_is_refused() {
        let endless = (0xffff_ffff << 1) | 1;
        assert_eq!(positions(&bitmap(u32::MAX, &[endless]), 3), Some(BTreeSet::from([0, 1, 2])));
        assert_eq!(positions(&bitmap(64, &[1 << 33]), 64), None);
        assert_eq!(positions(&bitmap(64, &[0])[..10], 64), None);
        assert_eq!(positions(&[0, 0, 0, 64, 255, 255, 255, 255], 64), None);
        assert_eq!(positions(&[], 64), None);
    }
}
