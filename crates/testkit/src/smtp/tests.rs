use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use super::*;

/// A server that takes one mail and gives back what came over the line as content.
fn serve(listener: TcpListener) -> Vec<u8> {
    let (socket, _) = listener.accept().expect("a client comes");
    let mut writer = socket.try_clone().expect("the socket can be cloned");
    let mut reader = BufReader::new(socket);
    let mut say = |text: &str| writer.write_all(text.as_bytes()).expect("the client listens");
    say("220 test\r\n");
    let mut content = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).expect("a line") == 0 {
            return content;
        }
        match line.trim_end().split(' ').next().unwrap_or("") {
            "EHLO" => say("250-test\r\n250-CHUNKING\r\n250-PIPELINING\r\n250 SIZE 1000\r\n"),
            "BDAT" => {
                let size = line.split_whitespace().nth(1).and_then(|text| text.parse().ok());
                let mut chunk = vec![0; size.expect("BDAT has a size")];
                reader.read_exact(&mut chunk).expect("the chunk is whole");
                content.extend(chunk);
                say("250 ok\r\n");
            }
            "DATA" => {
                say("354 go on\r\n");
                while !content.ends_with(b"\r\n.\r\n") {
                    let mut octet = [0];
                    reader.read_exact(&mut octet).expect("the content goes on");
                    content.push(octet[0]);
                }
                say("250 ok\r\n");
            }
            "QUIT" => {
                say("221 bye\r\n");
                return content;
            }
            _ => say("250 ok\r\n"),
        }
    }
}

fn transmit(octets: &[u8], content: &Content) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("the listener has an address");
    let server = std::thread::spawn(move || serve(listener));
    let mut client = Client::connect(address, &Security::Clear).expect("the server greets");
    assert!(client.offers("CHUNKING"));
    let reply = client.send("a@b.example", &["c@d.example"], octets, content);
    assert_eq!(reply.expect("the mail is taken").code, 250);
    client.quit();
    server.join().expect("the server ends")
}

#[test]
fn bdat_carries_every_octet_however_it_is_cut() {
    let mail = b"From: a\r\n\r\n.\r\n.x\nlone LF, NUL \0 and no end";
    for cut in 0..=mail.len() {
        assert_eq!(transmit(mail, &Content::Bdat(vec![cut])), mail, "cut at {cut}");
    }
    assert_eq!(transmit(mail, &Content::Bdat(Vec::new())), mail);
}

#[test]
fn data_stuffs_dots_at_line_starts_only() {
    let sent = transmit(b".a\r\nb.\r\n..c\n.d\r\n", &Content::Data);
    assert_eq!(sent, b"..a\r\nb.\r\n...c\n.d\r\n.\r\n");
}
