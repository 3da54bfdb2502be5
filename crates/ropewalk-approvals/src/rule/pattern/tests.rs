use super::{Fit, Pattern};

#[test]
fn texts_fit_surely_possibly_or_not() {
    use Fit::{No, Unsure, Yes};
    let table = [
        ("tmp/**", "tmp/a", Yes),
        ("tmp/**", "tmp/a/b.txt", Yes),
        ("tmp/**", "./tmp//a/./b", Yes),
        ("tmp/**", "tmp", No),
        ("tmp/**", "tmpx/a", No),
        ("tmp/**", "/tmp/a", No),
        ("/tmp/**", "/tmp/a", Yes),
        ("/tmp/**", "//tmp/a", Unsure),
        // Whatever climbs never surely fits.
        ("tmp/**", "tmp/../etc/passwd", Unsure),
        ("tmp/**", "tmp/../tmp/a", Unsure),
        ("tmp/**", "tmp/..", Unsure),
        ("tmp/**", "tmp/a/../b", Unsure),
        ("tmp/**", "tmp\\..\\etc", No),
        ("tmp/**", "tmp/%2e%2e/etc", Unsure),
        ("tmp/**", "tmp/%252e%252e%252fetc", Unsure),
        ("tmp/**", "tmp/.. /etc", Unsure),
        ("tmp/*", "tmp/a%2fb", Unsure),
        ("tmp/*", "tmp/a%20b", Yes),
        ("tmp/*", "tmp/a%0ab", Unsure),
        ("tmp/**", "../tmp/a", Unsure),
        ("secret/**", "tmp/../../secret/a", Unsure),
        ("secret/**", "tmp/../secret/a", Unsure),
        ("secret/**", "tmp/%2e%2e/secret/a", Unsure),
        // One star is one folder; another reading makes it unsure.
        ("tmp/*", "tmp/a", Yes),
        ("tmp/*", "tmp/a/b", Unsure),
        ("rm *", "rm -rf /home", Unsure),
        ("rm *", "rm x", Yes),
        ("rm *", "ls", No),
        ("ls *", "ls a\nrm -rf b", Unsure),
        ("prod/**", "PROD/a", Unsure),
        ("*", "anything", Yes),
        ("**", "a/b/c", Yes),
        ("**", "../a", Unsure),
        ("https://example.com/**", "https://example.com/a/b", Yes),
        ("https://example.com/**", "https://example.com/../b", Unsure),
        ("https://example.com/**", "https://example.com.evil.org/a", No),
        ("git log a..b", "git log a..b", Yes),
        ("{dev,test}", "test", Yes),
        ("{dev,test}", "prod", No),
        ("", "", No),
    ];
    for (glob, text, fit) in table {
        let Ok(pattern) = Pattern::new(glob) else {
            assert_eq!((glob, fit), ("", No));
            continue;
        };
        assert_eq!(pattern.fits_text(text), fit, "{glob} on {text:?}");
    }
}
