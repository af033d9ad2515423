fn main() {
    use ready_pool_planner::{bench::*, history::*, row::*};
    use ready_pool_sizing::*;
    let leads = read_lead_times(&std::fs::read_to_string("/work/shared/demand/lead-times.csv").unwrap()).unwrap();
    for (name, learn) in [("flights", 35), ("tweets-amzn", 21), ("elb-requests", 4), ("ci-commits", 35)] {
        let text = std::fs::read_to_string(format!("/work/shared/demand/{name}.csv")).unwrap();
        let h = read_claims(&text, 1).unwrap();
        let demand = h.demand;
        let q = Question { hit_rates: vec![], instance_hour: 0.768, minute_is_worth: 0.5, hand_over: std::time::Duration::from_secs(7), unscored_minutes: learn*1440, least_ready: 1, pool_size: 10, pool_max_size: 50, stopped: None };
        let mut b = Bench::new(&demand, &leads, &q);
        let n = b.best_fixed(0.99).unwrap();
        let s = b.fixed(n).clone();
        let mut rows = vec![Row::new(Kind::Static{size:n}, &s, &q, leads.mean(), None)];
        for p in [80.0, 90.0, 95.0, 99.0] {
        let t = std::time::Instant::now();
        let a = b.auto(HitRate::of_percent(p).unwrap());
        println!("{name} {p}: {:.4} {:.3} of static {n} {:?} ", a.outcome.hit_rate(), a.outcome.idle_hours()/s.idle_hours(), t.elapsed());
        rows.push(Row::new(Kind::Auto{hit_rate_percent:p}, &a.outcome, &q, leads.mean(), Some(a.wait_price_hours)));
        }
        rows.push(Row::new(Kind::Static{size:1}, &b.fixed(1).clone(), &q, leads.mean(), None));
        if let Some((p, o)) = b.best_percent(0.99) { rows.push(Row::new(Kind::PercentOfTheLastHour{percent:p}, &o, &q, leads.mean(), None)); println!("percent {p}: {:.3}", o.idle_hours()/s.idle_hours()) }
        if let Some(o) = b.known(0.99) { rows.push(Row::new(Kind::RateKnown, &o, &q, leads.mean(), None));println!("known: {:.3}", o.idle_hours()/s.idle_hours()) }
        for r in rows { println!("{} {:.2} {:?} p99 {} avg {:?} last {:?} idle h {} ", r.kind, r.hit_percent, r.hit_standard_error, r.wait_p99_seconds, r.dollars_per_avoided_minute, r.dollars_per_last_minute, r.idle_hours_a_month/30.4); }
    }
}
