"""The few words pressrun itself says to readers, in their language."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_ENGLISH = {
    "all_issues": "All issues",
    "archive": "Archive",
    "by": "By {names}",
    "case": "Case",
    "colon": ": ",
    "colophon": "About this issue",
    "comma": ", ",
    "compiled_by": "Compiled by",
    "contents": "Contents",
    "cover": "Cover",
    "credit": "Picture",
    "editors": "Editors",
    "excerpt": "Excerpted from",
    "feeds": "Feeds",
    "issue": "Issue",
    "mail": "Mail",
    "next": "Next issue",
    "previous": "Previous issue",
    "publications": "Publications",
    "published": "Published",
    "publisher": "Publisher",
    "read_more": "Read more",
    "report": "Report",
    "skip": "Skip to the text",
    "source": "Source",
    "sources": "Sources",
    "table": "Table",
    "unsubscribe": "Unsubscribe",
    "unsubscribe_ask": "Press the button and you get no more mail from this list.",
    "unsubscribe_done": "You have left the list. No more mail will come.",
    "unsubscribe_unknown": "This link is not whole. Please copy it again from the mail.",
    "updated": "Updated",
    "via": "Found through",
    "view_online": "View online",
    "website": "Web site",
    "you_get_this": "You get this because you are on the list {list}.",
}
_CHINESE = {
    "all_issues": "全部各期",
    "archive": "往期简报",
    "by": "作者：{names}",
    "case": "案例",
    "colon": "：",
    "colophon": "编辑说明",
    "comma": "、",
    "compiled_by": "汇编",
    "contents": "目录",
    "cover": "封面",
    "credit": "图片",
    "editors": "编辑",
    "excerpt": "摘自",
    "feeds": "订阅源",
    "issue": "本期",
    "mail": "邮箱",
    "next": "下一期",
    "previous": "上一期",
    "publications": "刊物",
    "published": "发布",
    "publisher": "发布机构",
    "read_more": "阅读全文",
    "report": "报告",
    "skip": "跳到正文",
    "source": "来源",
    "sources": "来源",
    "table": "表格",
    "unsubscribe": "退订",
    "unsubscribe_ask": "按下按钮，您就不会再收到这份名单的邮件。",
    "unsubscribe_done": "您已退出名单，今后不会再收到邮件。",
    "unsubscribe_unknown": "这个链接不完整，请从邮件中重新复制。",
    "updated": "更新",
    "via": "转引自",
    "view_online": "在线阅读",
    "website": "网站",
    "you_get_this": "您收到这封邮件，是因为您在“{list}”的收件名单上。",
}
_WORDS = {"en": MappingProxyType(_ENGLISH), "zh": MappingProxyType(_CHINESE)}


def words(language: str) -> Mapping[str, str]:
    """The words for a BCP 47 tag such as `zh-CN`; English where its language has no table."""
    return _WORDS.get(language.split("-")[0].lower(), _WORDS["en"])
