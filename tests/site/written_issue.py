"""The small publication that tests of the site write."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

REPOSITORY = Path(__file__).parents[2]

PUBLICATION = """\
title: 绿色采购通讯
masthead: 采购之家
description: 采购的进展与案例。
language: zh-CN
timezone: Asia/Shanghai
sender: {name: 编辑部, address: letter@news.example.com}
list_id: news.example.com
base_url: https://news.example.com/letter/
tag: news.example.com,2021
postal_address: 示例路1号
issue_label: "{year}年第{number}期（总第{total}期）"
copyright: © 编辑部
"""
ISSUE = """\
year: {year}
number: {number}
total: {total}
date: {date}
preheader: 本期要点
cover: {{image: media/cover.png, alt: 封面, credit: 脚本绘制}}
sections:
  - title: 进展
    slug: progress
    band: {{image: media/band.png, alt: 写有“进展”的题图}}
    articles: [first]
  - title: 案例
    slug: cases
    articles: [second]
colophon: {{compiled_by: 编辑部, editors: [张三, 李四], mail: a@news.example.com, statement: 内容**公开**。}}
"""
FIRST = """\
---
title: 第一篇 <标题> & 其他
kicker: 引题
labels: [精买, 久用]
summary: 一句话概要。
updated: 2026-04-02
image: {image: media/lead.png, alt: 题图, caption: 图注, credit: 某社}
sources:
  - {name: 来源一, url: "https://www.example.com/a?b=1&c=2", relation: excerpt}
  - {name: 来源二, relation: via}
---
**重点。**后文照常，*着重*。

## 小标题

#### 跳级标题

| 国家 | 数 |
| --- | --: |
| 中国 | 3 |

:::figure
image: media/chart.png
alt: 图表
caption: 说明
url: https://www.example.com/chart
:::

:::quote
text: 采购是一种选择。
by: 某人
:::
"""
SECOND = """\
---
title: Second article
language: en
authors: [Ann, Bo]
---
:::report
title: 报告名
publisher: 某署
cover: media/report.png
alt: 报告封面
summary: 报告说明。
url: https://www.example.com/report
:::

:::timeline
title: 回顾
moments:
  - {when: 2月, title: 大会, text: 会上……, url: "https://www.example.com/m"}
  - {when: 3月, text: "要点：\\n\\n- 甲\\n- 乙"}
:::

:::case
labels: [少买]
title: 案例名
text: 案例说明。
:::
"""
MEDIA = ("cover", "band", "lead", "chart", "report")


def write_issue(root: Path, name: str, year: int = 2026, number: int = 1, total: int = 1, date: str = "") -> Path:
    """Write an issue of the publication `letter` below `root`, and the publication with it."""
    folder = root / "issues" / "letter" / name
    (folder / "media").mkdir(parents=True)
    (folder.parent / "publication.yaml").write_text(PUBLICATION, encoding="utf-8")
    values = {"year": year, "number": number, "total": total, "date": date or f"{year}-0{number}-01"}
    (folder / "issue.yaml").write_text(ISSUE.format(**values), encoding="utf-8")
    (folder / "first.md").write_text(FIRST, encoding="utf-8")
    (folder / "second.md").write_text(SECOND, encoding="utf-8")
    for n, picture in enumerate((*MEDIA, "unused")):
        Image.new("RGB", (n + 1, 1)).save(folder / "media" / f"{picture}.png")
    return folder
