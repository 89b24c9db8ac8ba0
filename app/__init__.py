"""What does a person see and do? The window: Qt Widgets over `lineage.workspace`."""
