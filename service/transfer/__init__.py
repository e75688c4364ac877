"""OUT, and one day IN: what is kept, as files of other shapes. Reads through `reading` and `store`; decides nothing."""
