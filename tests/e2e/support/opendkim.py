# SPDX-License-Identifier: Apache-2.0
"""libopendkim, the verifier that stands before many a Postfix, with its keys from a file in place of the DNS.

The constants are those of its dkim.h (version 2.11).
"""
import ctypes

SETOPT, QUERYMETHOD, QUERYINFO, QUERY_FILE = 1, 6, 7, 1
OK, PASSED, BODY_MATCHES = 0, 0x04, 0


def library():
    lib = ctypes.CDLL("libopendkim.so.11")
    pointer, number, text, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t
    for name, result, *arguments in [
            ("dkim_init", pointer, pointer, pointer),
            ("dkim_options", number, pointer, number, number, pointer, size),
            ("dkim_verify", pointer, pointer, text, pointer, ctypes.POINTER(number)),
            ("dkim_header", number, pointer, text, size), ("dkim_eoh", number, pointer),
            ("dkim_body", number, pointer, text, size), ("dkim_eom", number, pointer, pointer),
            ("dkim_getsiglist", number, pointer, ctypes.POINTER(ctypes.POINTER(pointer)), ctypes.POINTER(number)),
            ("dkim_sig_process", number, pointer, pointer), ("dkim_sig_getflags", ctypes.c_uint, pointer),
            ("dkim_sig_getbh", number, pointer), ("dkim_sig_getselector", text, pointer),
            ("dkim_free", number, pointer), ("dkim_close", None, pointer)]:
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def fields(header):
    found = []
    for line in header.split(b"\r\n"):
        if line[:1] in (b" ", b"\t"):
            found[-1] += b"\r\n" + line
        elif line:
            found.append(line)
    return found


def verify(message, records, tmp_path):
    """{selector: whether its signature is good}. records: {"s._domainkey.d": b"v=DKIM1; ..."}."""
    keys = tmp_path / "opendkim.keys"
    keys.write_bytes(b"".join(name.encode() + b" " + value + b"\n" for name, value in records.items()))
    lib = library()
    opened = lib.dkim_init(None, None)
    method, path = ctypes.c_int(QUERY_FILE), ctypes.create_string_buffer(str(keys).encode())
    assert lib.dkim_options(opened, SETOPT, QUERYMETHOD, ctypes.byref(method), ctypes.sizeof(method)) == OK
    assert lib.dkim_options(opened, SETOPT, QUERYINFO, path, len(path)) == OK
    status = ctypes.c_int()
    mail = lib.dkim_verify(opened, b"test", None, ctypes.byref(status))
    assert status.value == OK
    header, body = message.split(b"\r\n\r\n", 1)
    for field in fields(header):
        assert lib.dkim_header(mail, field, len(field)) == OK
    lib.dkim_eoh(mail)
    lib.dkim_body(mail, body, len(body))
    lib.dkim_eom(mail, None)
    signatures, count = ctypes.POINTER(ctypes.c_void_p)(), ctypes.c_int()
    lib.dkim_getsiglist(mail, ctypes.byref(signatures), ctypes.byref(count))
    verdict = {}
    for at in range(count.value):
        signature = signatures[at]
        lib.dkim_sig_process(mail, signature)
        good = lib.dkim_sig_getflags(signature) & PASSED and lib.dkim_sig_getbh(signature) == BODY_MATCHES
        verdict[lib.dkim_sig_getselector(signature).decode()] = bool(good)
    lib.dkim_free(mail)
    lib.dkim_close(opened)
    return verdict
