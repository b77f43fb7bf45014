"""One module a sheet; each has write(book), which lays the sheet out and remembers where its quantities stand."""
