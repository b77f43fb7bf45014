"""How Windows takes a command line apart: first cmd.exe, then the C runtime of the program that is started."""


def by_cmd(line: str) -> list[str]:
    """The commands that `cmd.exe /K LINE` runs, by the rules of `cmd /?`: outer quotes off, ^ escapes, & separates."""
    line = line.strip()
    if line.startswith('"') and (line.count('"') != 2 or any(special in line for special in "&<>()@^|")):
        head, _, tail = line[1:].rpartition('"')
        line = head + tail
    commands, quoted, place = [""], False, 0
    while place < len(line):
        character = line[place]
        if character == "^" and not quoted:
            place += 1
            commands[-1] += line[place : place + 1]
        elif character == "&" and not quoted:
            commands.append("")
        else:
            quoted ^= character == '"'
            commands[-1] += character
        place += 1
    return [command.strip() for command in commands if command.strip()]


def arguments(line: str) -> list[str]:
    """The words of a command line as CommandLineToArgvW gives them: backslashes count only before a quote."""
    words, word, quoted, slashes, open_ = [], "", False, 0, False
    for character in line + " ":
        if character == "\\":
            slashes, open_ = slashes + 1, True
            continue
        if character == '"':
            word += "\\" * (slashes // 2) + ('"' if slashes % 2 else "")
            quoted ^= slashes % 2 == 0
            open_ = True
        elif character in " \t" and not quoted:
            word += "\\" * slashes
            words += [word] if open_ else []
            word, open_ = "", False
        else:
            word, open_ = word + "\\" * slashes + character, True
        slashes = 0
    return words
