"""A mail server on loopback that wants STARTTLS and a login, by aiosmtpd. Prints its port, then each mail as a
line of JSON. Usage: mail_peer.py CERTIFICATE KEY USER PASSWORD; it ends with its standard input."""
import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Mails:
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
        headers = {name.lower(): str(value) for name, value in mail.items()}
        told = {"headers": headers, "parts": parts, "to": envelope.rcpt_tos, "tls": session.ssl is not None,
                "user": session.auth_data and session.auth_data.login.decode()}
        print(json.dumps(told), flush=True)
        return "250 taken"


async def main(certificate, key, user, password):
    def let_in(server, session, envelope, mechanism, data):
        fits = isinstance(data, LoginPassword) and (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=fits, handled=False, auth_data=data)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def session():
        return SMTP(Mails(), hostname="localhost", tls_context=context, require_starttls=True,
                    authenticator=let_in, auth_required=True, auth_require_tls=True)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "localhost", 0, family=2)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main(*sys.argv[1:]))
