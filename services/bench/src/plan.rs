//! What is measured, in which order.

use crate::broker::Broker;
use crate::contest::Contest;
use crate::footprint::{self, Footprints};
use crate::machine::Machine;
use crate::options::{Extent, Options};
use crate::record::Format;
use crate::report::Report;
use crate::scale::{self, Scale};
use crate::tools::{Program, Tools};
use crate::{Error, document, interrupt, progress};

/// Measures everything and prints the tables. Leaves no topic and no process behind.
///
/// # Errors
/// Where something is missing, a program fails, or somebody interrupts.
pub async fn run(options: &Options) -> Result<(), Error> {
    let machine = Machine::look();
    let tools = Tools::find().await?;
    if let Err(why) = &tools.c {
        progress(&format!("librdkafka's rdkafka_performance cannot be built: {why}"));
    }
    let broker = Broker::from_environment()?;
    let extent = options.extent();
    let measured = tokio::select! {
        measured = measure(&tools, &broker, &extent) => measured,
        error = interrupt::wait() => Err(error),
    };
    let cleaned = broker.clean().await;
    let Measured { kafka, producers, consumers, footprints, scale } = measured?;
    cleaned?;
    let (java, c) = (tools.java.version, tools.c.err());
    let report = Report { options: options.clone(), machine, kafka, java, c, producers, consumers, footprints, scale };
    let tables = report.markdown();
    println!("{tables}");
    options.write.as_deref().map_or(Ok(()), |path| document::write(path, &tables))
}

struct Measured {
    kafka: String,
    producers: Contest,
    consumers: Contest,
    footprints: Footprints,
    scale: Scale,
}

async fn measure(tools: &Tools, broker: &Broker, extent: &Extent) -> Result<Measured, Error> {
    let kafka = tools.java.kafka_version(broker).await?;
    let footprints = footprint::measure(&tools.ours, broker, extent).await?;
    let scale = scale::measure(&tools.ours, broker, extent.steady).await?;
    // What is read has been sent by our producer; this also warms the broker up.
    let mut sources = Vec::new();
    for format in Format::ALL {
        let topic = broker.topic().await?;
        tools.produce(Program::Ours, broker, &topic, format, extent.records).await?;
        sources.push((format, topic));
    }
    let (mut producers, mut consumers) = (Contest::default(), Contest::default());
    for round in 0..extent.rounds {
        progress(&format!("round {} of {}", round + 1, extent.rounds));
        for (format, source) in &sources {
            for program in in_turn(Program::PRODUCERS, round) {
                let topic = broker.topic().await?;
                let run = tools.produce(program, broker, &topic, *format, extent.records).await?;
                broker.delete(&topic).await?;
                if let Some(run) = run {
                    progress(&format!("  sends {:>16} {program:<11} {:>10.0} per second", format.title(), run.rate));
                    producers.note(program, *format, run);
                }
            }
            for program in in_turn(Program::CONSUMERS, round) {
                if let Some(run) = tools.consume(program, broker, source, extent.records).await? {
                    progress(&format!("  reads {:>16} {program:<11} {:>10.0} per second", format.title(), run.rate));
                    consumers.note(program, *format, run);
                }
            }
        }
    }
    Ok(Measured { kafka, producers, consumers, footprints, scale })
}

/// All of them, each round beginning with another one.
fn in_turn(programs: &[Program], round: usize) -> impl Iterator<Item = Program> {
    programs.iter().copied().cycle().skip(round % programs.len()).take(programs.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_has_all_programs_and_another_first_one() {
        let rounds: Vec<Vec<_>> = (0..6).map(|round| in_turn(Program::PRODUCERS, round).collect()).collect();
        assert_eq!(rounds[1], [Program::Java, Program::JavaBare, Program::C, Program::CBare, Program::Ours]);
        assert_eq!(rounds[5], rounds[0]);
    }
}
