//! What Prometheus makes of it.

use serde::Deserialize;

use crate::command;
use crate::error::{Error, expect};
use crate::patience::{Seen, seconds, until};
use crate::world::World;

/// Runs every query of every dashboard.
const CHECK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../check-dashboards");

/// What has an answer only where a container was started again, and none was.
const MAY_BE_EMPTY: &str = "annotation Restarts";

/// The scenes before make more members join, leave and die than a group should see in a quarter of an hour.
const MAY_FIRE: [&str; 1] = ["LaglessRebalanceStorm"];

/// Prometheus' `GET /api/v1/rules`.
#[derive(Debug, Deserialize)]
struct Answer {
    data: Groups,
}

#[derive(Debug, Deserialize)]
struct Groups {
    groups: Vec<RuleGroup>,
}

#[derive(Debug, Deserialize)]
struct RuleGroup {
    name: String,
    file: String,
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    name: String,
    health: String,
    #[serde(default)]
    last_error: String,
    #[serde(default)]
    state: String,
}

pub(super) async fn play(world: &mut World) -> Result<(), Error> {
    let Some(prometheus) = world.place.prometheus() else {
        world.stage.step("NOT RUN, as --no-prometheus says: every query of every dashboard, and the rules");
        return Ok(());
    };
    let World { cluster, stage, .. } = &*world;
    let url = cluster.proxy.url(&prometheus);
    let told = until("an answer to every query", seconds(150), async || {
        let arguments =
            ["--prometheus", &url, "--namespace", &cluster.namespace, "--range", "15m", "--allow-empty", MAY_BE_EMPTY];
        match command::run(CHECK, &arguments, "", seconds(120)).await {
            Ok(told) => Ok(Seen::Yes(told)),
            Err(Error::Command { how, .. }) => Ok(Seen::NotYet(how)),
            Err(error) => Err(error),
        }
    })
    .await?;
    stage.step(told);
    let rules = until("rules that Prometheus can evaluate", seconds(120), async || {
        let answer: Answer = cluster.proxy.get(&format!("{prometheus}/api/v1/rules")).await?;
        let ours = |group: &RuleGroup| group.name.starts_with("lagless.") && group.file.contains(&cluster.namespace);
        let rules: Vec<_> = answer.data.groups.into_iter().filter(ours).flat_map(|group| group.rules).collect();
        // What was not evaluated yet is `unknown`.
        let broken = rules.iter().filter(|rule| rule.health != "ok");
        let broken: Vec<_> =
            broken.map(|rule| format!("{} is {}: {}", rule.name, rule.health, rule.last_error)).collect();
        let evaluated = !rules.is_empty() && broken.is_empty();
        Ok(if evaluated { Seen::Yes(rules) } else { Seen::NotYet(broken.join("; ")) })
    })
    .await?;
    let firing = rules.iter().filter(|rule| rule.state == "firing").map(|rule| rule.name.as_str());
    let (expected, wrong): (Vec<_>, Vec<_>) = firing.partition(|name| MAY_FIRE.contains(name));
    expect(wrong.is_empty(), "no alert after a burst that was drained in time", wrong.join(", "))?;
    let firing = if expected.is_empty() { "no alert".to_owned() } else { format!("only {}", expected.join(", ")) };
    stage.step(format!("Prometheus evaluates {} rules, and {firing} fires", rules.len()));
    Ok(())
}
