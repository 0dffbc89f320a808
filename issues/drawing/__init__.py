"""Covers, bands, report covers, scenes and charts of newsletter issues, drawn from figures and words."""
