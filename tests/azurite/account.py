"""Prepares an azurite: makes the container `$web`, readable by everybody, and prints an account SAS.

Usage: account.py http://127.0.0.1:PORT/devstoreaccount1
The account and its key are azurite's own, published with it.
"""
import base64
import datetime
import hashlib
import hmac
import sys
import urllib.parse
import urllib.request

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
VERSION = "2019-12-12"


def sign(text):
    digest = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def container(url):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
    headers = {"x-ms-blob-public-access": "blob", "x-ms-date": now, "x-ms-version": VERSION}
    canonical = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
    # the account stands twice: once as itself, once as the first part of the emulator's path
    text = "PUT" + "\n" * 12 + canonical + f"/{ACCOUNT}/{ACCOUNT}/$web\nrestype:container"
    headers["Authorization"] = f"SharedKey {ACCOUNT}:{sign(text)}"
    request = urllib.request.Request(f"{url}/$web?restype=container", data=b"", headers=headers, method="PUT")
    request.add_header("Content-Length", "0")
    request.add_header("Content-Type", "")
    urllib.request.urlopen(request, timeout=30)


def sas():
    parts = {"sv": VERSION, "ss": "b", "srt": "sco", "sp": "rwdlac", "se": "2199-01-01T00:00:00Z"}
    text = "\n".join([ACCOUNT, parts["sp"], parts["ss"], parts["srt"], "", parts["se"], "", "", VERSION, ""])
    parts["sig"] = sign(text)
    return urllib.parse.urlencode(parts)


container(sys.argv[1])
print(sas())
