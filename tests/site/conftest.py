"""A small publication written by the tests, and the repository's own issues where they load."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from pressrun.finding import Severity
from pressrun.site.build import site
from pressrun.source.loader import load_issue
from pressrun.workspace import Workspace, open_workspace

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
colophon: {{compiled_by: 编辑部, editors: [张三, 李四], mail: letter@news.example.com, statement: 内容取自**公开**信息。}}
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


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with two issues of one publication; its templates are the repository's."""
    write_issue(tmp_path, "2025-04", 2025, 4, 9, "2025-12-31")
    write_issue(tmp_path, "2026-01", 2026, 1, 10, "2026-03-31")
    return open_workspace(tmp_path)


@pytest.fixture(scope="session")
def real_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the repository's own issues."""
    workspace = open_workspace(REPOSITORY)
    for folder in workspace.issue_folders():
        errors = [f for f in load_issue(folder).findings if f.severity is Severity.ERROR]
        if errors:
            pytest.skip(f"the repository's issues don't load: {errors[0]}")
    out = tmp_path_factory.mktemp("site") / "out"
    site(workspace, out)
    return out


@pytest.fixture(params=["written", "real"])
def any_site(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The site of the written issues, then that of the repository's."""
    if request.param == "real":
        real: Path = request.getfixturevalue("real_site")
        return real
    out = tmp_path / "out"
    site(request.getfixturevalue("workspace"), out)
    return out


@pytest.fixture
def build(workspace: Workspace, tmp_path: Path) -> Callable[[], Path]:
    """Build the written issues into `out`, which it gives."""

    def run() -> Path:
        site(workspace, tmp_path / "out")
        return tmp_path / "out"

    return run
