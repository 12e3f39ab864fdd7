from rounds.bank import mistake


@mistake("read_lines", "decoded-by-chunk", "A character cut in two is lost.")
def read_lines_chunk_by_chunk(chunks):
    text = "".join(chunk.decode(errors="replace") for chunk in chunks)
    return text.splitlines()


@mistake("read_lines", "last-line-lost", "A last line without a newline is lost.")
def read_lines_up_to_newlines(chunks):
    return b"".join(chunks).decode().split("\n")[:-1]


@mistake("read_lines", "split-by-chunk", "A line cut in two becomes two lines.")
def read_lines_of_each_chunk(chunks):
    return [line for c in chunks for line in c.decode(errors="replace").splitlines()]
