"""Draws samples of call stacks as a flame graph: a static SVG without scripts, in which a pointer shows the full name of a function.

The width of a frame is its share of the CPU time; callers are below. The order from left to right is alphabetical and means nothing.
"""

import html
import re

OWN = "genesyscloud_oauth_exporter::"
# Frames below this share of all samples are not drawn.
LEAST = 0.005
WIDTH, ROW, CHARACTER, MARGIN = 1200, 17, 6.65, 10
# The first that matches. The allocator includes the overwriting of freed memory.
KINDS = [
    ("allocator and memory", "#9fc5e8", re.compile(r"dlmalloc|zeroizing_alloc|alloc::|mem(cpy|set|move|cmp)|bcmp|drop_in_place|::drop\b|__rust_(de|re)?alloc|__rdl_")),
    ("exporter", "#f6b26b", re.compile(OWN)),
    ("kernel", "#c9c9c9", re.compile(r"^kernel")),
    ("libraries", "#b6d7a8", re.compile("")),
]
# What every stack of a runtime begins with.
RUNTIME = re.compile(r"^(std|core|alloc|tokio|futures\w*|tracing|__|clone|start_thread|thread_start|_start|main$|<(std|core|alloc|tokio)|<.*(FnOnce|Future))")


class Frame:
    """A function with its callees, and the samples in it and in them."""

    def __init__(self, name):
        self.name, self.samples, self.callees = name, 0, {}


def tree(script):
    """The frames of the output of `perf script`, from the threads up."""
    root = Frame("all")
    for sample in script.strip().split("\n\n"):
        head, *lines = sample.split("\n")
        stack = [named(line) for line in reversed(lines) if line.strip()]
        own = next((n for n, name in enumerate(stack) if OWN in name), None)
        # Without the frames of the runtime that lead to the exporter's own.
        stack = [name for n, name in enumerate(stack) if own is None or n >= own or not RUNTIME.match(name)]
        frame = root
        frame.samples += 1
        for name in ["thread " + head.strip(), *stack]:
            if name == frame.name:
                continue
            frame = frame.callees.setdefault(name, Frame(name))
            frame.samples += 1
    return root


def named(line):
    """The function of a line such as ` 55d0 name::of::it (/path/of/program)`."""
    name, _, place = line.strip().partition(" ")[2].rpartition(" (")
    if place.startswith("[kernel") or place.startswith("[guest"):
        return "kernel"
    if name == "[unknown]":
        return f"? in {place.rstrip(')').rpartition('/')[2]}"
    name = re.sub(r"::h[0-9a-f]{16}$|\+0x[0-9a-f]+$", "", name)
    # A closure counts as its function.
    return re.sub(r"(::\{\{closure\}\}|::\{closure#\d+\})+$", "", name)


def short(name):
    """The end of a path, without type parameters and the trait of an implementation."""
    plain = OWN in name
    if name.startswith("<"):
        depth, implementing = 0, None
        for n, character in enumerate(name):
            depth += {"<": 1, ">": -1 if name[n - 1] != "-" else 0}.get(character, 0)
            if depth == 1 and implementing is None and name.startswith(" as ", n):
                implementing = n
            if depth == 0:
                name = name[1 : implementing or n] + name[n + 1 :]
                break
    name = name.replace("->", "")
    while (shorter := re.sub(r"<[^<>]*>", "", name)) != name:
        name = shorter
    parts = [part for part in name.replace(OWN, "").split("::") if part]
    return "::".join(parts[-3:] if plain else parts[-2:])


def colour(name):
    return next(colour for _, colour, pattern in KINDS if pattern.search(name))


def picture(root, title):
    drawn, deepest = [], 0

    def place(frame, left, depth):
        nonlocal deepest
        deepest = max(deepest, depth)
        drawn.append((frame, left, depth))
        for _, callee in sorted(frame.callees.items()):
            if callee.samples >= LEAST * root.samples:
                place(callee, left, depth + 1)
            left += callee.samples

    place(root, 0, 0)
    scale = (WIDTH - 2 * MARGIN) / root.samples
    top = 58
    height = top + (deepest + 1) * ROW + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{MARGIN}" y="22" font-size="14">{html.escape(title)}</text>',
    ]
    left = MARGIN
    for kind, fill, _ in KINDS:
        lines.append(f'<rect x="{left}" y="33" width="11" height="11" fill="{fill}"/><text x="{left + 16}" y="43">{kind}</text>')
        left += 40 + len(kind) * CHARACTER
    for frame, start, depth in drawn:
        x, width = MARGIN + start * scale, frame.samples * scale
        y = height - MARGIN - (depth + 1) * ROW
        share = f"{frame.samples / root.samples * 100:.1f} %"
        fill = colour(frame.name) if depth > 1 else "#e8e8e8"
        lines.append(f'<g><title>{html.escape(frame.name)}: {share}</title><rect x="{x:.1f}" y="{y}" width="{max(0.3, width - 0.5):.1f}" height="{ROW - 1}" fill="{fill}"/>')
        room = int((width - 6) / CHARACTER)
        if room >= 4:
            text = short(frame.name)
            if room >= len(text) + len(share) + 1:
                text += " " + share
            elif len(text) > room:
                text = text[: room - 1] + "…"
            lines[-1] += f'<text x="{x + 3:.1f}" y="{y + 12}">{html.escape(text)}</text>'
        lines[-1] += "</g>"
    return "\n".join([*lines, "</svg>", ""])
