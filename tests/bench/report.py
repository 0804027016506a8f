"""What a run of the benches came to: a table in Markdown, the same in JSON, and plots in SVG."""
import json

INK, GRID, LINES = "#222", "#ddd", ["#1f6fb4", "#c8501e", "#2e8b57", "#7a4fa3"]


def number(value):
    return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def goal_of(row):
    return "" if row["goal"] is None else ("≤ " if row["better"] == "less" else "≥ ") + number(row["goal"])


def markdown(facts, rows):
    lines = [f"# ecrelay, {facts['commit']}, {facts['at']}", "", f"{facts['cpu']}, {facts['cores']} cores, {facts['kernel']}; load, relay and upstream share them. "
             f"An RSA-2048 signature costs {facts['rsa_us']:.0f} us of CPU here. Load average at the start {facts['load']}.", "",
             "| part | what | figure | goal | met | note |", "|---|---|---|---|---|---|"]
    for each in rows:
        met = {True: "yes", False: "**no**", None: ""}[each["met"]]
        lines.append(f"| {each['part']} | {each['what']} | {number(each['figure'])} {each['unit']} | {goal_of(each)} | {met} | {each['note']} |")
    return "\n".join(lines) + "\n"


def plot(title, across, up, curves, labels=None):
    """Lines over evenly spaced places: {name: [(place, value)]}, from zero."""
    width, height, left, bottom, top = 640, 360, 70, 50, 40
    places = labels or sorted({x for points in curves.values() for x, _ in points})
    most = 1.1 * max(y for points in curves.values() for _, y in points)
    at = lambda x, y: (left + (width - left - 20) * (places.index(x) + 0.5) / len(places), height - bottom - (height - bottom - top) * y / most)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" fill="{INK}">',
           f'<rect width="{width}" height="{height}" fill="white"/>', f'<text x="{left}" y="22" font-size="15">{title}</text>']
    for part in range(5):
        _, y = at(places[0], most * part / 5)
        out.append(f'<line x1="{left}" x2="{width - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>'
                   f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{number(most * part / 5)}</text>')
    for place in places:
        out.append(f'<text x="{at(place, 0)[0]:.1f}" y="{height - bottom + 18}" text-anchor="middle">{place:,}</text>')
    for turn, (name, points) in enumerate(curves.items()):
        colour, path = LINES[turn % len(LINES)], " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*each) for each in sorted(points)))
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in (at(*each) for each in points)]
        out.append(f'<text x="{width - 20}" y="{top + 16 * turn}" text-anchor="end" fill="{colour}">{name}</text>')
    out.append(f'<text x="{(width + left) / 2}" y="{height - 10}" text-anchor="middle">{across}</text>'
               f'<text transform="translate(14 {height / 2}) rotate(-90)" text-anchor="middle">{up}</text></svg>')
    return "\n".join(out) + "\n"


def plots(shots):
    """{file name: SVG} of what there are shots for."""
    found = {}
    sessions = {name: [(shot["sessions"], shot["e2e"]) for shot in shots if shot.get("engine") == "" and shot["kept"] is kept and shot["size"] == 4096]
                for name, kept in (("kept connections", True), ("one connection a mail", False))}
    if any(sessions.values()):
        found["sessions.svg"] = plot("Throughput by sessions, 4 KiB", "sessions", "messages/s", {name: points for name, points in sessions.items() if points})
    for kind in dict.fromkeys(shot["growth"] for shot in shots if "growth" in shot):
        points = [(shot["count"], shot["e2e"]) for shot in shots if shot.get("growth") == kind]
        found[f"{kind}.svg"] = plot(f"Throughput by {kind}, 4 KiB, 20 sessions", kind, "messages/s", {"kept connections": points})
    return found


def write(folder, facts, rows, shots):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.md").write_text(markdown(facts, rows))
    (folder / "bench.json").write_text(json.dumps({"facts": facts, "rows": rows, "shots": shots}, indent=1) + "\n")
    for name, text in plots(shots).items():
        (folder / name).write_text(text)
