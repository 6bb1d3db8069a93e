"""Actions: recorded, judged by the rules, credited, reviewed, reversed."""
