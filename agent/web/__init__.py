"""The status page, the JSON behind it, metrics and health; reads snapshots, changes nothing."""
