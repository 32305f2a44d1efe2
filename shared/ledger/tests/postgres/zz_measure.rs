use super::support::*;
use std::time::Instant;
use signoff_ledger::DetailWriter;
#[tokio::test(flavor = "multi_thread")]
async fn measure() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let w = workflow();
    for label in ["with link trigger", "without", "with link trigger", "without"] {
        let mut su = database.superuser().await;
        let what = if label == "without" { "disable" } else { "enable always" };
        run(&mut su, &format!("alter table trail {what} trigger trail_link")).await.unwrap();
        for _ in 0..200 { write_one(&ledger, w).await.unwrap(); }
        let t = Instant::now();
        for _ in 0..2000 { write_one(&ledger, w).await.unwrap(); }
        eprintln!("{label}: {:?} per command", t.elapsed() / 2000);
        let mut c = begin(&ledger, w).await.unwrap();
        for _ in 0..5000 { let e = entry(&c); c.record(e).unwrap(); }
        let t = Instant::now();
        c.commit(None).await.unwrap();
        eprintln!("{label}: {:?} per record in bulk", t.elapsed() / 5000);
    }
    let t = Instant::now();
    for _ in 0..2000 { drop(begin(&ledger, w).await.unwrap()); }
    eprintln!("begin+drop {:?}", t.elapsed() / 2000);
    let t = Instant::now();
    let f = ledger.verify(w).await.unwrap();
    eprintln!("verify {} records {:?}", f.records, t.elapsed());
    let t = Instant::now();
    let mut writer = DetailWriter::new(&["item_key", "verdict", "notes", "carried"]);
    for row in 0..100_000 { writer.row(&(format!("item-{row}"), "approved", "", false)).unwrap(); }
    let d = writer.finish();
    eprintln!("100k detail rows {:?} {} chunks", t.elapsed(), d.chunks().len());
    let mut c = begin(&ledger, w).await.unwrap();
    let mut e = entry(&c); e.details = vec![d]; c.record(e).unwrap();
    let t = Instant::now();
    c.commit(None).await.unwrap();
    eprintln!("commit of them {:?}", t.elapsed());
    let mut su = database.superuser().await;
    for q in ["select count(*) from trail where cycle_id=gen_random_uuid()"] { count(&mut su, q).await; }
}
