"""What came out: results, scores, statistics, tables, figures and pages."""
