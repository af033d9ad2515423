//! A day of everything that may happen; `cargo weeks` lives four weeks of it.

use end_to_end::Weeks;

#[tokio::test(start_paused = true)]
async fn a_day_of_troubles_keeps_the_bounds_changes_little_and_decides_as_the_pure_functions() {
    let lived = Weeks::of_days(1, 7).run().await;
    println!("{lived}");
    assert!(lived.is_good(), "{lived}");
    // All but those around the moments at which somebody waited, and while the pool stood still.
    assert!(lived.decisions > 1_200, "{lived}");
    assert!(lived.checkpoints > 85, "{lived}");
    assert!(lived.capped > 0 && lived.waited > 0, "{lived}");
    assert_eq!(lived.sizes.1, 5, "the maximum: {lived}");
    assert!(lived.outcomes.contains_key("ready"), "{lived}");
}
