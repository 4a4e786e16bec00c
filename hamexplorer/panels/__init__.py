"""Widgets: each panel calls the session's verbs and observes its traits; none knows another."""
