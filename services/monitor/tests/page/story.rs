//! What somebody sees who has the page open.

use crate::browser::Browser;
use crate::harness::MemberProcess;
use crate::scene::Scene;

const LIVE: &str = "document.querySelector('#main').dataset.state === 'live'";
const STALE: &str = "document.querySelector('#main').dataset.state === 'stale'";

/// Whether the table has each partition with one of these owners, and each of these has one.
fn owned_by(partitions: usize, names: &[&str]) -> String {
    let names = serde_json::to_string(names).unwrap();
    format!(
        "(() => {{ const owners = [...document.querySelectorAll('#rows tr')].map((row) => row.children[1].textContent); \
         return owners.length === {partitions} && owners.every((owner) => {names}.includes(owner)) \
         && {names}.every((name) => owners.includes(name)); }})()"
    )
}

/// Whether the picture shows, of each partition, the owner that the table has.
const PICTURE_AGREES: &str = "[...document.querySelectorAll('#rows tr')].every((row) => { \
    const partition = [...document.querySelectorAll('#flow .row')].find((node) => \
        node.dataset.partition.endsWith('/' + row.children[0].firstChild.textContent)); \
    return partition?.dataset.owner === row.children[1].textContent; })";

const HAS_SYMBOLS: &str = "/AAPL/.test(document.querySelector('#rows').textContent) \
    && /\\d\\/s/.test(document.querySelector('#flow .source .figure')?.textContent)";

/// A browser in which three members share three partitions.
async fn three_members(name: &str) -> Option<(Browser, Scene, Vec<MemberProcess>)> {
    let mut browser = Browser::start(name)?;
    let scene = Scene::set(name, 3).await;
    browser.look(1280, "dark").await;
    browser.open(&scene.url()).await;
    let members = ["consumer-1", "consumer-2", "consumer-3"].map(|name| scene.join(name)).into();
    browser.until(&owned_by(3, &["consumer-1", "consumer-2", "consumer-3"])).await;
    Some((browser, scene, members))
}

#[tokio::test(flavor = "multi_thread")]
async fn three_partitions_have_their_owners_and_one_moves_when_a_member_is_killed() {
    let Some((mut browser, scene, mut members)) = three_members("kill").await else { return };
    browser.until(PICTURE_AGREES).await;
    browser.until(HAS_SYMBOLS).await;
    assert_eq!(browser.evaluate("document.querySelectorAll('#flow .member').length").await, 3);
    drop(members.pop());
    browser.until(&owned_by(3, &["consumer-1", "consumer-2"])).await;
    browser.until(PICTURE_AGREES).await;
    // The rebalance is told with its cause, who got what from whom, and what it cost.
    browser
        .until(
            "[...document.querySelectorAll('#timeline .rebalance')].some(({ textContent: text }) => \
             /consumer-3 left/.test(text) && /consumer-3→consumer-[12]paused [\\d.]+ m?s/.test(text))",
        )
        .await;
    browser.until("/consumer-3 left/.test(document.querySelector('#announcement').textContent)").await;
    browser.until("document.querySelectorAll('#timeline .plan').length > 1").await;
    assert_eq!(browser.complaints().await, [""; 0]);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_that_it_is_stale_and_goes_on_when_the_monitor_is_back() {
    let Some((mut browser, mut scene, mut members)) = three_members("restart").await else { return };
    browser.until(LIVE).await;
    browser.until("document.querySelectorAll('#timeline .rebalance').length > 0").await;
    let entries = "document.querySelectorAll('#timeline li').length";
    let before = browser.evaluate(entries).await.as_u64();
    assert_eq!(browser.complaints().await, [""; 0]);
    scene.stop_monitor().await;
    browser.until(STALE).await;
    browser.until("/stale: reconnecting/.test(document.querySelector('#connection').textContent)").await;
    browser.until("/Stale/.test(document.querySelector('#verdict').textContent)").await;
    browser.assert_accessible("stale").await;
    browser.shoot("stale-1280").await;
    members.remove(0);
    scene.start_monitor().await;
    browser.until(LIVE).await;
    browser.until(&owned_by(3, &["consumer-2", "consumer-3"])).await;
    assert!(browser.evaluate(entries).await.as_u64() >= before, "what happened before is still there");
    // That nobody answered is all the browser may complain of.
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|text| text.starts_with("Failed to load resource: net::ERR_")), "{complaints:#?}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_nobody_out_in_dark_and_light_wide_and_narrow() {
    let Some((mut browser, scene, _members)) = three_members("looks").await else { return };
    browser.until(HAS_SYMBOLS).await;
    browser.until("document.querySelectorAll('#timeline .rebalance').length > 0").await;
    for scheme in ["dark", "light"] {
        for width in [1280, 390] {
            browser.look(width, scheme).await;
            let fits = "document.documentElement.scrollWidth <= innerWidth && \
                document.querySelector('#flow').getBoundingClientRect().right <= innerWidth";
            browser.until(fits).await;
            browser.assert_accessible(&format!("{scheme}, {width} pixels")).await;
            browser.shoot(&format!("{scheme}-{width}")).await;
        }
    }
    assert_eq!(browser.complaints().await, [""; 0]);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_in_reach_of_the_keyboard_and_nothing_moves_for_who_wants_that() {
    let Some((mut browser, scene, _members)) = three_members("keyboard").await else { return };
    browser.press("Tab").await;
    assert_eq!(browser.evaluate("document.activeElement.className").await, "skip");
    browser.press("Tab").await;
    browser.press("Tab").await;
    browser.press("Enter").await;
    // The group without members: it is not known how far behind it is, which is not 0.
    browser.until("/-idle$/.test(document.querySelector('[aria-current]').textContent)").await;
    browser.until("[...document.querySelectorAll('#rows tr')].every((row) => /unknown/.test(row.textContent))").await;
    assert_eq!(browser.evaluate("document.querySelector('#figures dd b').textContent").await, "unknown");
    browser.assert_accessible("a group of which nothing is known").await;
    browser.shoot("unknown-1280").await;
    browser.look_calmly().await;
    browser.until("document.getAnimations().length === 0").await;
    assert_eq!(browser.complaints().await, [""; 0]);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_partitions_are_shown_by_owner_and_the_furthest_behind_in_figures() {
    let Some(mut browser) = Browser::start("thousand") else { return };
    let scene = Scene::set("thousand", 1000).await;
    browser.look(1280, "dark").await;
    browser.open(&scene.url()).await;
    let _members = ["consumer-1", "consumer-2"].map(|name| scene.join(name));
    browser.until("document.querySelectorAll('#flow .member').length === 2").await;
    assert!(browser.evaluate("document.querySelectorAll('#flow .row').length").await.as_u64() <= Some(16));
    assert_eq!(browser.evaluate("document.querySelectorAll('#rows tr').length").await, 24);
    browser.assert_accessible("a thousand partitions").await;
    browser.shoot("thousand-1280").await;
    browser.evaluate("document.querySelector('#more').click()").await;
    browser.until("document.querySelectorAll('#rows tr').length === 1000").await;
    assert_eq!(browser.complaints().await, [""; 0]);
    scene.end().await;
}
