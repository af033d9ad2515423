//! Pages of a list, with opaque tokens.

const PREFIX: &str = "page-from-";

/// The page that `token` points at (the first without one), of at most `size` items, and the
/// token of the next page. `None` if the token is not one of ours.
pub fn page<T>(
    items: Vec<T>,
    size: usize,
    token: Option<&str>,
) -> Option<(Vec<T>, Option<String>)> {
    let from = match token {
        None => 0,
        Some(token) => token.strip_prefix(PREFIX)?.parse().ok()?,
    };
    let next = (items.len() > from + size).then(|| format!("{PREFIX}{}", from + size));
    Some((items.into_iter().skip(from).take(size).collect(), next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_the_list_once() {
        let (first, token) = page((1..=5).collect(), 2, None).unwrap();
        assert_eq!(first, [1, 2]);
        let (second, token) = page((1..=5).collect(), 2, token.as_deref()).unwrap();
        assert_eq!(second, [3, 4]);
        let (third, token) = page((1..=5).collect(), 2, token.as_deref()).unwrap();
        assert_eq!(third, [5]);
        assert_eq!(token, None);
        assert_eq!(page(vec![1], 2, Some("nonsense")), None);
    }
}
