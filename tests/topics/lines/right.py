import codecs

from rounds.bank import alternative


def read_lines(chunks):
    data = b"".join(chunks)
    lines = data.decode().split("\n")
    return lines if lines[-1] else lines[:-1]


@alternative("read_lines")
def read_lines_by_decoder(chunks):
    decoder, text = codecs.getincrementaldecoder("utf-8")(), ""
    for chunk in chunks:
        text += decoder.decode(chunk)
    text += decoder.decode(b"", final=True)
    return text.splitlines()


@alternative("read_lines")
def read_lines_by_hand(chunks):
    done, rest = [], b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        done += [line.decode() for line in whole]
    return [*done, rest.decode()] if rest else done
