use std::collections::BTreeMap;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::front_door::Route;
use crate::log_line::Rebalance;
use crate::watcher::View;

fn picture(board: &Board, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(board, frame)).unwrap();
    terminal.backend().to_string()
}

fn board(partitions: i32) -> Board {
    let mut board = Board::new();
    let mut tell = |at_ms, what| board.event(Event { at_ms, what });
    tell(
        0,
        What::Begins {
            bootstrap: "127.0.0.1:4711".into(),
            embedded: true,
            topic: "stocks".into(),
            partitions,
            script: Script::standard(3).unwrap().to_string(),
        },
    );
    tell(10, What::Sending { updates: 10_000, rate: 600, pid: 1 });
    tell(15, What::Watching { page: "http://127.0.0.1:4712".into(), pid: 9 });
    for number in 1..=3 {
        tell(20, What::Joins { member: format!("consumer-{number}"), pid: number });
    }
    tell(
        6_000,
        What::Killed {
            member: "consumer-2".into(),
            pid: 2,
            symbol: "GOOGL".into(),
            partition: 1,
            in_flight: 3,
            committed: BTreeMap::from([(1, 990)]),
        },
    );
    let previous = BTreeMap::from([(1, "consumer-2".to_owned())]);
    let pauses_ms = BTreeMap::from([(1, 3_410)]);
    let rebalance = Rebalance { partitions: vec![1], keeps: vec![0], previous, pauses_ms, ..Rebalance::default() };
    tell(9_400, What::Rebalanced { member: "consumer-1".into(), rebalance });
    let view = |partition: i32| PartitionView {
        partition,
        end: Some(1_400),
        committed: (partition != 2).then_some(1_000),
        owner: (partition != 2).then(|| format!("consumer-{}", partition % 3 + 1)),
    };
    board.view(View { partitions: (0..partitions).map(view).collect(), sent: 4_200, processed: 3_900 });
    board.routing(vec![Route { symbol: "GOOGL".into(), partition: 1, updates: 812 }]);
    board
}

#[test]
fn a_small_terminal_shows_everything() {
    let picture = picture(&board(3), 80, 24);
    for text in [
        "Lagless  embedded Kafka 127.0.0.1:4711",
        "live page http://127.0.0.1:4712",
        "4,200 of 10,000",
        "3,900 of 10,000",
        "● consumer-1",
        "✗ consumer-2",
        "nobody yet",
        "GOOGL",
        "consumer-2 is killed",
        "✗ consumer-2 → ● consumer-1, paused 3.41 s",
        "consumer-1 gets 1 after a pause of 3.41 s, keeps 0",
    ] {
        assert!(picture.contains(text), "{text:?} is missing in\n{picture}");
    }
}

#[test]
fn the_scaling_act_has_its_place_while_it_is_played() {
    let mut board = board(3);
    assert!(!picture(&board, 96, 30).contains("scaling"));
    let sentence = "3: partition load 151/s of 333/s each; 2 would drain 1,302 behind in 38 s, target 5 s".to_owned();
    board.event(Event { at_ms: 20_000, what: What::Burst { updates: 5_432, rate: 679, capacity: 333 } });
    board.event(Event { at_ms: 21_000, what: What::Decided { sentence: sentence.clone() } });
    let look =
        Look { at_ms: 21_000, lag: Some(1_302), delay_seconds: Some(2.14), desired: Some(3), consumers: 1, sentence };
    board.scaling.note(look.clone());
    let unknown = Look { lag: None, delay_seconds: None, desired: None, ..look };
    for (look, figures) in
        [(None, "1 of 3 wanted  lag 1,302, delay 2.1 s"), (Some(unknown), "1 of – wanted  lag –, delay –")]
    {
        look.into_iter().for_each(|look| board.scaling.note(look));
        for height in [24, 30] {
            let picture = picture(&board, 96, height);
            for text in [
                "4,200 of 15,432",
                figures,
                "at worst 2.1 s",
                "  3: partition load 151/s of 333/s each; 2 would drain 1,302 behind in 38 s, target 5 s",
                "a burst of 5,432 updates, 679 a second; one consumer does 333",
            ] {
                assert!(picture.contains(text), "{text:?} is missing in\n{picture}");
            }
        }
    }
}

#[test]
fn many_partitions_leave_room_for_the_events() {
    let picture = picture(&board(100), 80, 24);
    assert!(picture.contains("and 93 more, their lag 37,200"), "{picture}");
    assert!(picture.contains("consumer-1 gets 1 after"), "{picture}");
}

#[test]
fn no_terminal_is_too_small_or_too_large_to_draw_on() {
    for (width, height) in [(1, 1), (5, 3), (20, 10), (40, 15), (300, 100)] {
        let _ = picture(&board(3), width, height);
        let _ = picture(&Board::new(), width, height);
    }
}

#[test]
fn bars_are_in_proportion() {
    assert_eq!([portion(0, 0, 10), portion(5, 10, 10), portion(20, 10, 10)], [0, 5, 10]);
    assert_eq!(
        [bar_of(0, 100, 4), bar_of(50, 100, 4), bar_of(53, 100, 4), bar_of(900, 100, 4)],
        ["", "██", "██", "████"]
    );
    assert_eq!(bar_of(1, 8, 1), "▏");
    assert_eq!([cut("abc", 3), cut("abcd", 3)], ["abc", "ab…"]);
}
