"""An issue that uses every block, key and Markdown element there is, and what rendering could trip over."""

from __future__ import annotations

from pathlib import Path

from small_issue import PUBLICATION, write_picture, write_small_issue

FULL_PUBLICATION = PUBLICATION.replace("colophon:\n", "colophon:\n  compiled_by: The house\n  editors: [Ann, Bo]\n") + (
    "masthead: Small House\nslogan: Small is enough\ngreeting: Dear {name},\ngreeting_anonymous: Dear reader,\n"
    "copyright: © 2026 Small House\nreply_to: editor@small.example.com\n"
)
FULL_ISSUE = """\
year: 2026
number: 1
total: 7
date: 2026-03-31
title: Small & <tall>
subject: News; small & <tall>
preheader: What is "small" & <tall> this spring
intro: |
  ### A lead

  It has *two* parts; the second follows.
cover:
  image: media/cover.png
  alt: A house with　two wings & a "door" 👨‍👩‍👧 ❤️ é C:\\temp
  caption: The house
  credit: Drawn by a script
sections:
  - title: Progress
    slug: progress
    band: {image: media/band.png, alt: Progress in small things}
    articles: [first]
  - title: Practice
    slug: practice
    band: {image: media/band.png, alt: A strip of hills}
    articles: [second, third]
colophon:
  compiled_by: The house
  editors: [Ann, Bo]
  mail: editor@small.example.com
  website: https://small.example.com
  statement: The content is **public**; see [the rules](https://www.example.com/rules).
"""
FIRST = """\
---
title: The first & <best>
short_title: First
kicker: Reports
labels: [精买, 久用]
authors: [Ann, Bo]
image: {image: media/hills.png, alt: Hills, caption: Seen from afar, credit: Bo}
sources:
  - {name: An excerpt, url: "https://www.example.com/a?b=1&c=2", relation: excerpt}
  - {name: A source without address}
  - {name: A finder, url: "https://www.example.com/via", relation: via}
---
A start; then more. One line\\
and another, `a; b  \\{{ slots.name }}`, ~~gone~~ and [a link](https://www.example.com/x "1 < 2; 3 > 2 & 4").

## A heading

- one
  - one in it
    1. deepest
- two

  with a second paragraph

3. three
4. four

> A quotation
> of two lines

| Land | Share |
| :--- | ---: |
| Here | 3 % |
| There; far | 4 % |

***

```
## no heading
x = a < b;  y
```

:::figure
image: media/chart.png
alt: A small chart
caption: How small
credit: Own count
url: https://www.example.com/chart
:::

### A deeper heading

:::report
title: A report with a cover
publisher: A publisher
cover: media/report.png
alt: The cover
summary: |
  It says:

  - a thing
  - another
url: https://www.example.com/report
:::

:::report
title: A report without a cover
summary: It says little.
:::

:::quote
text: Small is what you make of it.
by: Someone
:::
"""
SECOND = """\
---
title: 第二篇：重点
language: zh-CN
---
**重点。**后文，*着重*。两行
汉字相连。

:::timeline
title: 回顾
moments:
  - {when: 2月, title: 大会, text: 会上有决议。, url: "https://www.example.com/m"}
  - {when: 3月, text: "要点：\\n\\n- 甲\\n- 乙", url: "https://www.example.com/n"}
:::

:::case
labels: [少买]
title: 案例名
text: 案例**说明。**后文。
url: https://www.example.com/case
:::
"""
THIRD = """\
---
title: The third
---
:::callout
title: Good to know
text: |
  A box may hold *Markdown*:

  - a point
  - [a link](https://www.example.com/note)
:::

:::callout
tone: warning
text: Mind the **step**.
:::

:::event
slug: open-house
title: Open house & garden
starts: 2026-04-18 14:00
ends: 2026-04-18 17:30
place: Small House, 1 Small Street
text: Bring a friend.
url: https://www.example.com/open-house
:::

:::event
slug: fair
title: The fair
starts: 2026-05-02
ends: 2026-05-03
:::

:::button
text: Read the report
url: https://www.example.com/report?a=1&b=2
:::

:::table
caption: Share of small things
columns: [Land, Houses, Share, Remark]
rows:
  - [Here, "1,200", 3 %, "counted; twice"]
  - [There, 80, –, ""]
source: Own count
:::

@@s0123456789ab.name@@ and https://s0123456789ab.invalid/unsubscribe_url are no slots, nor is \\{{ slots.name }}.
"""


def write_full_issue(folder: Path, theme: str = "bulletin", language: str = "en") -> Path:
    """Write the issue `issues/small/2026-01` with all there is below `folder`, and give its folder."""
    publication = FULL_PUBLICATION.replace("language: en\n", f"language: {language}\n")
    publication += "" if theme == "bulletin" else f"theme: {theme}\n"
    issue = write_small_issue(
        folder, publication=publication, issue=FULL_ISSUE, first=FIRST, second=SECOND, third=THIRD
    )
    for name in ("band", "hills", "report"):
        write_picture(issue / "media" / f"{name}.png")
    return issue
