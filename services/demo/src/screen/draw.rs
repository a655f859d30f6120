//! The picture: progress, partitions with owner and lag, the last rebalance, events.

use ratatui::Frame;
use ratatui::layout::Constraint::{Fill, Length};
use ratatui::layout::{Layout, Rect};
use ratatui::style::{Color, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Padding, Paragraph};

use super::board::{Board, Standing};
use crate::event::{Event, What};
use crate::scaling::Look;
use crate::script::{Act, Script};
use crate::timeline::Change;
use crate::watcher::PartitionView;
use crate::wording::{clock, count};

/// Consumers are told apart by colour, in the order in which they join.
const COLOURS: [Color; 6] = [Color::Cyan, Color::Magenta, Color::Yellow, Color::Blue, Color::Green, Color::LightRed];

/// So many ways that partitions went are shown.
const MOVES_SHOWN: usize = 2;

/// Draws the whole picture.
pub(super) fn draw(board: &Board, frame: &mut Frame<'_>) {
    let elapsed = u64::try_from(board.elapsed().as_millis()).unwrap_or(u64::MAX);
    let page = board.page.iter().flat_map(|page| [" live page ".dark_gray(), page.as_str().bold(), " ".into()]);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(Style::new().dark_gray())
        .padding(Padding::horizontal(1))
        .title(Line::from(vec![" ".into(), "Lagless".bold().green(), format!("  {} ", board.kafka).dark_gray()]))
        .title(Line::from(vec![format!(" {} ", clock(elapsed)).bold()]).right_aligned())
        .title_bottom(Line::from_iter(page))
        .title_bottom(Line::from(" Ctrl-C ends it ".dark_gray()).right_aligned());
    let area = block.inner(frame.area());
    frame.render_widget(block, frame.area());

    // What a small terminal cannot show of many partitions, it counts.
    let scaling = scaling(board);
    let taken = 14 + scaling.len();
    let rows = usize::from(area.height).saturating_sub(taken).max(3);
    let partitions = partitions(board, rows, usize::from(area.width));
    let rebalance = last_rebalance(board);
    let height = |lines: &[Line<'_>]| u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let [progress_area, _, partition_area, _, rebalance_area, _, scaling_area, event_area] = Layout::vertical([
        Length(3),
        Length(1),
        Length(height(&partitions)),
        Length(1),
        Length(height(&rebalance)),
        Length(1),
        Length(height(&scaling)),
        Fill(1),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(progress(board, progress_area)), progress_area);
    frame.render_widget(Paragraph::new(partitions), partition_area);
    frame.render_widget(Paragraph::new(rebalance), rebalance_area);
    frame.render_widget(Paragraph::new(scaling), scaling_area);
    frame.render_widget(Paragraph::new(events(board, event_area)), event_area);
}

fn heading(text: &str) -> Line<'static> {
    Line::from(text.to_owned().dark_gray())
}

fn progress(board: &Board, area: Rect) -> Vec<Line<'static>> {
    let (sent_speed, processed_speed) = board.speeds();
    // A name in front of the bar, numbers behind it.
    let width = usize::from(area.width).saturating_sub(11 + 28);
    let all = board.updates + board.burst;
    let row = |name: &str, done: u64, speed: u64, colour: Color| {
        let filled = portion(done, all, width);
        Line::from(vec![
            format!("{name:<11}").into(),
            "━".repeat(filled).fg(colour),
            "─".repeat(width - filled).dark_gray(),
            format!("{:>7}", count(done)).bold(),
            format!(" of {:<7}", count(all)).dark_gray(),
            format!("{:>6}/s", count(speed)).into(),
        ])
    };
    vec![
        row("sent", board.view.sent, sent_speed, Color::Blue),
        // What is processed twice counts once here; the audit tells it apart.
        row("processed", board.view.processed.min(board.view.sent), processed_speed, Color::Green),
        cues(board, width),
    ]
}

/// The script below the bars: what comes stands out less than what has been.
fn cues(board: &Board, width: usize) -> Line<'static> {
    let mut marks = vec![Span::from(" "); width];
    let percent = board.view.processed.saturating_mul(100).checked_div(board.updates).unwrap_or(0);
    for cue in board.script.as_ref().map(Script::cues).unwrap_or_default() {
        let mark = match cue.act {
            Act::Join => "+".green(),
            Act::Kill => "✗".red(),
            Act::Leave => "−".yellow(),
        };
        let mark = if u64::from(cue.percent) <= percent { mark.bold() } else { mark.dim() };
        let at = portion(board.updates * u64::from(cue.percent), (board.updates + board.burst) * 100, width);
        // Two at the same place stand side by side.
        if let Some(free) = (at..width).find(|at| marks.get(*at).is_some_and(|mark| mark.content == " "))
            && let Some(place) = marks.get_mut(free)
        {
            *place = mark;
        }
    }
    let name = Span::from(format!("{:<11}", "script")).dark_gray();
    let key = "  + join  ✗ kill  − leave".dark_gray();
    Line::from([vec![name], marks, vec![key]].concat())
}

fn partitions(board: &Board, rows: usize, width: usize) -> Vec<Line<'static>> {
    let bar = (width / 4).clamp(8, 40);
    let mut lines =
        vec![heading(&format!("{:<11}{:<14}{:>7}  {:<bar$}  {}", "partition", "owner", "lag", "", "symbols"))];
    let all = &board.view.partitions;
    let shown = if all.len() > rows { rows - 1 } else { all.len() };
    lines.extend(all.iter().take(shown).map(|partition| row(board, partition, bar, width)));
    if shown < all.len() {
        let lag: u64 = all.iter().skip(shown).filter_map(PartitionView::lag).sum();
        lines.push(heading(&format!("and {} more, their lag {}", all.len() - shown, count(lag))));
    }
    lines
}

fn row(board: &Board, partition: &PartitionView, bar: usize, width: usize) -> Line<'static> {
    let owner = match &partition.owner {
        Some(owner) => member(board, owner),
        None => "nobody yet".dark_gray(),
    };
    let colour = owner.style.fg.unwrap_or_default();
    let lag = partition.lag();
    let symbols = board.symbols.get(&partition.partition).map(|symbols| symbols.join(" ")).unwrap_or_default();
    let room = width.saturating_sub(11 + 14 + 7 + 2 + bar + 2);
    Line::from(vec![
        format!("{:<11}", partition.partition).bold(),
        Span::styled(format!("{:<14}", owner.content), owner.style),
        format!("{:>7}  ", lag.map_or("–".to_owned(), count)).into(),
        format!("{:<bar$}  ", bar_of(lag.unwrap_or(0), board.largest_lag.max(100), bar)).fg(colour),
        cut(&symbols, room).dark_gray(),
    ])
}

/// A consumer's name in its colour, with how it stands.
fn member(board: &Board, name: &str) -> Span<'static> {
    match board.standings.get(name) {
        Some(Standing::Killed) => format!("✗ {name}").red(),
        Some(Standing::Left) => format!("− {name}").dark_gray(),
        Some(Standing::Lives) | None => format!("● {name}").fg(colour(name)),
    }
}

fn colour(name: &str) -> Color {
    let number = name.rsplit('-').next().and_then(|number| number.parse::<usize>().ok()).unwrap_or(1);
    COLOURS.get(number.wrapping_sub(1) % COLOURS.len()).copied().unwrap_or_default()
}

/// Always as many lines, so that what stands below stays where it is.
fn last_rebalance(board: &Board) -> Vec<Line<'static>> {
    let mut lines = match board.last_change() {
        Some(change) => moves(board, &change),
        None => vec![heading("last rebalance")],
    };
    lines.resize(1 + MOVES_SHOWN, Line::default());
    lines
}

fn moves(board: &Board, change: &Change) -> Vec<Line<'static>> {
    let groups = change.groups();
    let more = groups.len().saturating_sub(MOVES_SHOWN);
    let title = if more > 0 { format!("{}, and {more} more ways:", change.title()) } else { change.title() };
    let mut lines = vec![Line::from(vec!["last rebalance  ".dark_gray(), title.into()])];
    if groups.is_empty() {
        lines.push("           under way …".dark_gray().into());
    }
    for (partitions, longest) in groups.iter().skip(more) {
        let partitions: Vec<_> = partitions.iter().map(ToString::to_string).collect();
        let mut spans = vec![format!("{:<10} ", cut(&partitions.join(","), 10)).bold()];
        if let Some(from) = &longest.from {
            spans.extend([member(board, from), " → ".dark_gray()]);
        }
        spans.push(member(board, &longest.to));
        spans.push(longest.pause().dark_gray());
        lines.push(Line::from(spans));
    }
    lines
}

/// Nothing before the act begins.
fn scaling(board: &Board) -> Vec<Line<'static>> {
    let Some(Look { lag, delay_seconds, desired, consumers, sentence, .. }) = board.scaling.looks.last() else {
        return Vec::new();
    };
    let known = |figure: Option<String>| figure.unwrap_or_else(|| "–".to_owned());
    let delay = known(delay_seconds.map(|delay| format!("{delay:.1} s")));
    let figures = format!("lag {}, delay {delay}", known(lag.map(count)));
    vec![
        Line::from(vec![
            "scaling         ".dark_gray(),
            format!("{consumers} of {} wanted", known(desired.map(|desired| desired.to_string()))).bold(),
            format!("  {figures}").into(),
            format!(", at worst {:.1} s", board.scaling.worst_delay_seconds).dark_gray(),
        ]),
        format!("  {sentence}").light_cyan().into(),
        Line::default(),
    ]
}

fn events(board: &Board, area: Rect) -> Vec<Line<'static>> {
    let room = usize::from(area.height.saturating_sub(1));
    let mut lines = vec![heading("events")];
    let latest = board.events.iter().skip(board.events.len().saturating_sub(room));
    lines.extend(latest.map(|Event { at_ms, what }| {
        let text = cut(&what.to_string(), usize::from(area.width).saturating_sub(9));
        let text = match what {
            What::Killed { .. } | What::Stalled { .. } => text.red().bold(),
            What::Complaint { .. } => text.yellow(),
            What::Joins { .. } | What::Leaves { .. } | What::Sending { .. } | What::Watching { .. } => text.bold(),
            What::Burst { .. } | What::Scales { .. } => text.light_yellow().bold(),
            What::Decided { .. } => text.light_cyan(),
            What::AllSent { .. } | What::AllProcessed => text.green(),
            What::Settled { .. } | What::Begins { .. } | What::Left { .. } => text.dark_gray(),
            What::Rebalanced { member, .. } => text.fg(colour(member)),
        };
        Line::from(vec![format!("{:>7}  ", clock(*at_ms)).dark_gray(), text])
    }));
    lines
}

/// How many of `width` cells stand for `part` of `whole`.
fn portion(part: u64, whole: u64, width: usize) -> usize {
    let cells = part.min(whole).saturating_mul(width as u64).checked_div(whole).unwrap_or(0);
    usize::try_from(cells).unwrap_or(width)
}

/// A bar in eighths of a cell.
fn bar_of(part: u64, whole: u64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = portion(part, whole, width * 8);
    "█".repeat(eighths / 8) + EIGHTHS.get(eighths % 8).copied().unwrap_or_default()
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(std::iter::once('…')).collect()
}

#[cfg(test)]
mod tests;
