//! Hit rates and sizes against closed forms.

use ready_pool_sizing::{hit_rate, size_at};

fn ln_factorial(n: u32) -> f64 {
    (1..=n).map(|factor| f64::from(factor).ln()).sum()
}

fn is_close(left: f64, right: f64, what: &str) {
    assert!((left - right).abs() < 1e-9, "{what}: {left} for {right}");
}

#[test]
fn a_hit_rate_without_spread_is_a_poisson_sum() {
    for mean in [0.001, 0.1, 0.5, 2.0, 10.0, 100.0, 700.0, 1_500.0_f64] {
        let mut sum = 0.0;
        for size in 0..=2_000_u32 {
            is_close(hit_rate(size, mean, 1.0), sum, &format!("{size} at {mean}"));
            // By logarithms, each term on its own: nothing that the walk does.
            sum += (f64::from(size) * mean.ln() - mean - ln_factorial(size)).exp();
            if size > 30 && f64::from(size) < mean * 0.9 {
                continue;
            }
            if sum > 1.0 - 1e-13 {
                break;
            }
        }
        assert!(sum > 0.999_999);
    }
}

#[test]
fn a_hit_rate_with_spread_is_a_negative_binomial_sum() {
    // Whole r, so that its coefficients are C(n + r - 1, n).
    for (r, spread) in [
        (1, 1.5),
        (1, 4.0),
        (2, 1.05),
        (7, 2.5),
        (40, 9.0),
        (300, 3.0),
    ] {
        let mean = f64::from(r) * (spread - 1.0);
        let mut sum = 0.0;
        for size in 0..3_000_u32 {
            is_close(
                hit_rate(size, mean, spread),
                sum,
                &format!("{size} at {mean}, spread {spread}"),
            );
            let coefficient = ln_factorial(size + r - 1) - ln_factorial(size) - ln_factorial(r - 1);
            let failures = f64::from(size) * (1.0 - 1.0 / spread).ln();
            sum += (coefficient + failures - f64::from(r) * spread.ln()).exp();
            if sum > 1.0 - 1e-13 {
                break;
            }
        }
        assert!(sum > 0.999_999);
    }
}

#[test]
fn with_r_of_1_it_is_a_geometric_distribution() {
    for spread in [1.2, 3.0, 50.0_f64] {
        let mean = spread - 1.0;
        for size in 0..50 {
            let missed = (1.0 - 1.0 / spread).powi(size);
            let size = size.unsigned_abs();
            is_close(hit_rate(size, mean, spread), 1.0 - missed, "geometric");
        }
    }
}

#[test]
fn ninety_nine_percent_need_known_sizes() {
    for (mean, size) in [(0.1, 2), (0.5, 4), (2.0, 7), (5.0, 12), (10.0, 19)] {
        assert!(hit_rate(size, mean, 1.0) >= 0.99, "{size} at {mean}");
        assert!(hit_rate(size - 1, mean, 1.0) < 0.99, "{size} at {mean}");
    }
}

#[test]
fn the_next_machine_is_not_worth_its_idling_and_the_last_one_is() {
    for mean in [0.01, 0.5, 3.0, 40.0, 900.0] {
        for spread in [1.0, 1.4, 6.0] {
            for price in [1.0, 20.0, 500.0, 100_000.0] {
                let size = size_at(mean, spread, price, 10_000);
                let up_to = |size| hit_rate(size + 1, mean, spread);
                let worth = |size: u32| price * mean * (up_to(size) - hit_rate(size, mean, spread));
                // Differences of sums have lost digits where the size is large.
                assert!(worth(size) <= up_to(size) + 1e-9);
                if size > 0 {
                    assert!(worth(size - 1) > up_to(size - 1) - 1e-9);
                }
            }
        }
    }
}

#[test]
fn nobody_expected_needs_no_machine() {
    for mean in [0.0, -1.0, f64::NAN] {
        assert_eq!(size_at(mean, 1.0, 1e6, 50), 0);
    }
}
