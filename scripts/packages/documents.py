"""Copies the documents for a package, whose links lead only to files that the package contains; or checks the links of a package.

Usage: documents.py copy LAYOUT FOLDER   with the layout `debian` or `archive`
       documents.py check FOLDER         the problems of the documents in FOLDER and below

A link to a file of the repository that is not in the package becomes plain text.
"""

import glob
import os
import re
import shutil
import sys

NAME = "genesyscloud-oauth-exporter"
# The files of each package, and where they are in it. The first pattern that matches a file counts.
FILES = {
    "archive": [("README.md", ""), ("CHANGELOG.md", ""), ("SECURITY.md", ""), ("LICENSE", ""), ("THIRD-PARTY-NOTICES", ""), ("docs/**", ""),
                ("alerts/*.yml", ""), ("dashboards/*.json", "")],
    "debian": [("README.md", f"usr/share/doc/{NAME}/"), ("CHANGELOG.md", f"usr/share/doc/{NAME}/"), ("SECURITY.md", f"usr/share/doc/{NAME}/"),
               ("THIRD-PARTY-NOTICES", f"usr/share/doc/{NAME}/"), ("docs/**", f"usr/share/doc/{NAME}/"),
               ("alerts/alertmanager.example.yml", f"usr/share/doc/{NAME}/examples/"), ("alerts/*.yml", f"usr/share/{NAME}/"),
               ("dashboards/*.json", f"usr/share/{NAME}/")],
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|`[^`]*`)*)\]\(([^()\s]+)\)")


def placed(layout):
    """Where each file of the repository is in the package, and each folder whose files are in one folder there."""
    places = {}
    for pattern, folder in FILES[layout]:
        for path in sorted(glob.glob(pattern, recursive=True)):
            if os.path.isfile(path):
                # Examples are not in a folder of their kind.
                places.setdefault(path, folder + (os.path.basename(path) if folder.endswith("examples/") else path))
    for folder in {os.path.dirname(path) for path in places} - {""}:
        there = {os.path.dirname(place) for path, place in places.items() if os.path.dirname(path) == folder and "/examples/" not in place}
        if len(there) == 1:
            places[folder] = there.pop()
    return places


def rewritten(text, path, places):
    """The text of a document, with links for its place in the package."""
    def link(match):
        image, words, target = match.groups()
        file, mark, anchor = target.partition("#")
        if re.match(r"\w+:", target) or not file:
            return match[0]
        named = os.path.normpath(os.path.join(os.path.dirname(path), file))
        if named not in places:
            return words
        there = os.path.relpath(places[named], os.path.dirname(places[path]) or ".")
        return f"{image}[{words}]({there}{mark}{anchor})"

    return LINK.sub(link, text)


def copy(layout, root):
    places = placed(layout)
    for path, place in places.items():
        target = os.path.join(root, place)
        if os.path.isdir(path):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if path.endswith(".md"):
            with open(path, encoding="utf-8") as file, open(target, "w", encoding="utf-8") as made:
                made.write(rewritten(file.read(), path, places))
        else:
            shutil.copyfile(path, target)


def check(root):
    documents = glob.glob(f"{root}/**/*.md", recursive=True)
    links = 0
    for path in sorted(documents):
        with open(path, encoding="utf-8") as file:
            targets = [target for _, _, target in LINK.findall(file.read())]
        for target in targets:
            file = target.partition("#")[0]
            if re.match(r"\w+:", target) or not file:
                continue
            links += 1
            there = os.path.normpath(os.path.join(os.path.dirname(path), file))
            if not os.path.exists(there) or not there.startswith(os.path.normpath(root)):
                yield f"{os.path.relpath(path, root)} links to {target}, which the package does not contain"
    if len(documents) < 30 or links < 100:
        yield f"only {links} links in {len(documents)} documents were found"


def main(arguments):
    match arguments:
        case ["copy", layout, folder]:
            copy(layout, folder)
        case ["check", folder]:
            found = list(check(folder))
            print("\n".join(found), end="\n" if found else "")
            sys.exit(bool(found))
        case _:
            sys.exit(__doc__)


main(sys.argv[1:])
