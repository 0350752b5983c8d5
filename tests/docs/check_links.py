#!/usr/bin/env python3
"""Every relative link of the pages leads to a file that exists and, behind #, to a heading of it.

    check_links.py ROOT
"""

import pathlib
import re
import sys


def prose(text):
    """Without code: what stands in it is no link and no heading."""
    return re.sub(r'^```.*?^```', '', text, flags=re.M | re.S)


def anchors(text):
    found = set()
    for heading in re.findall(r'^#+ +(.*)$', prose(text), flags=re.M):
        words = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', heading).strip().lower()
        found.add(re.sub(r'[^\w\- ]', '', words).replace(' ', '-'))
    return found


def complaints(page):
    text = prose(page.read_text())
    for target in re.findall(r'\]\(([^)\s]+)\)', re.sub(r'`[^`\n]*`', '', text)):
        if re.match(r'[a-z]+:', target):
            continue
        name, _, anchor = target.partition('#')
        other = (page.parent / name).resolve() if name else page
        if not other.exists():
            yield '%s: %s does not exist' % (page, target)
        elif anchor and anchor not in anchors(other.read_text()):
            yield '%s: %s has no heading for #%s' % (page, name or page.name, anchor)


def main():
    root = pathlib.Path(sys.argv[1])
    pages = [page for page in root.rglob('*.md')
             if not any(part.startswith(('build', '.', 'weir-data', 'node_modules'))
                        for part in page.relative_to(root).parts)]
    found = [line for page in sorted(pages) for line in complaints(page)]
    print('\n'.join(found) or 'links: all of %d pages lead somewhere' % len(pages))
    sys.exit(bool(found))


main()
