//! Tests of the mask: what it hides, and that it changes nothing else.

use proptest::prelude::*;

use super::*;

#[test]
fn a_secret_is_masked_wherever_it_is_in_the_address() {
    for (uri, expected) in [
        ("https://user:S3CR3T@host.example/cb", "https://user:[masked]@host.example/cb"),
        ("https://user%3AS3CR3T@host.example/cb", "https://user%3A[masked]@host.example/cb"),
        ("https:user:S3CR3T@host.example/cb", "https:user:[masked]@host.example/cb"),
        ("https:\\\\user:S3CR3T@host.example", "https:\\\\user:[masked]@host.example"),
        ("//user:S3CR3T@host.example", "//user:[masked]@host.example"),
        ("user:S3CR3T@host.example", "user:[masked]@host.example"),
        ("1user:S3CR3T@host.example", "1user:[masked]@host.example"),
        ("https://user:a/S3CR3T@host.example/cb", "https://user:[masked]@host.example/cb"),
        ("https://user:a#S3CR3T?@host.example", "https://user:[masked]@host.example"),
        ("https://:S3CR3T@host.example/", "https://:[masked]@host.example/"),
        ("https://ghp0S3CR3T0123456789@host.example/", "https://[masked]@host.example/"),
        ("https://ghp0S3CR3T0123456789:x@host.example/", "https://[masked]:[masked]@host.example/"),
        ("myapp://user:S3CR3T@cb", "myapp://user:[masked]@cb"),
        ("myapp:user:S3CR3T@cb", "myapp:[masked]@cb"),
        ("https://a.example/cb?client_secret=S3CR3T", "https://a.example/cb?client_secret=[masked]"),
        ("https://a.example/cb?x=1&Client-Secret=S3CR3T&y=2", "https://a.example/cb?x=1&Client-Secret=[masked]&y=2"),
        ("https://a.example/cb?x=1;PassWord=S3CR3T;y=2", "https://a.example/cb?x=1;PassWord=[masked];y=2"),
        ("https://a.example/cb?%63lient%5Fsecret=S3CR3T", "https://a.example/cb?%63lient%5Fsecret=[masked]"),
        ("https://a.example/cb?%2563lient_secret=S3CR3T", "https://a.example/cb?%2563lient_secret=[masked]"),
        ("https://a.example/cb?client_secret%3DS3CR3T", "https://a.example/cb?client_secret%3D[masked]"),
        ("https://a.example/cb?user[password]=S3CR3T", "https://a.example/cb?user[password]=[masked]"),
        ("https://a.example/cb#access_token=S3CR3T&x=1", "https://a.example/cb#access_token=[masked]&x=1"),
        ("https://a.example/cb?api_key=S3CR3T", "https://a.example/cb?api_key=[masked]"),
        ("https://a.example/cb?sig=S3%2FCR3T", "https://a.example/cb?sig=[masked]"),
        ("https://a.example/cb?code=S3CR3T", "https://a.example/cb?code=[masked]"),
        ("https://a.example/cb;token=S3CR3T/x?y=1", "https://a.example/cb;token=[masked]?y=1"),
        ("https://a.example/cb;jsessionid=S3CR3T", "https://a.example/cb;jsessionid=[masked]"),
        ("https://a.example/token=S3CR3T", "https://a.example/token=[masked]"),
        ("https://a.example/cb?token=ab&S3CR3T", "https://a.example/cb?token=[masked]"),
        ("https://a.example/cb?token=ab#S3CR3T", "https://a.example/cb?token=[masked]"),
        ("https://a.example/cb?token=ab/S3CR3T==", "https://a.example/cb?token=[masked]"),
        (
            "https://a.example/cb?next=https://u:S3CR3T@b.example/",
            "https://a.example/cb?next=https://u:[masked]@b.example/",
        ),
        ("https://a.example/https://u:S3CR3T@b.example/", "https://a.example/https://u:[masked]@b.example/"),
        (
            "https://a.example/cb?next=https%3A%2F%2Fu%3AS3CR3T%40b.example%2F%3Fx%3D1",
            "https://a.example/cb?next=https%3A%2F%2Fu%3A[masked]%40b.example%2F%3Fx%3D1",
        ),
        ("https://a.example/cb?next=%2Fx%3Ftoken%3DS3CR3T", "https://a.example/cb?next=%2Fx%3Ftoken%3D[masked]"),
        ("https://a.example/cb?state=password=S3CR3T", "https://a.example/cb?state=password=[masked]"),
        ("myapp:/cb?password=S3CR3T", "myapp:/cb?password=[masked]"),
        ("client_secret=S3CR3T", "client_secret=[masked]"),
        ("password:S3CR3T", "password:[masked]"),
        ("password:a@S3CR3T", "password:[masked]"),
        ("client_secret=a@S3CR3T", "client_secret=[masked]"),
        ("/;client_secret=a@S3CR3T", "/;client_secret=[masked]"),
        ("/user:S3CR3T@host.example", "/user:[masked]@host.example"),
        ("not an address? token=S3CR3T", "not an address? token=[masked]"),
        ("sip:joe:S3CR3T@host.example", "sip:joe:[masked]@host.example"),
        ("mailto:joe:S3CR3T@host.example?x=1", "mailto:joe:[masked]@host.example?x=1"),
        ("xmpp:joe%3AS3CR3T@host.example/r", "xmpp:joe%3A[masked]@host.example/r"),
        ("https://joe:S3CR3T＠host.example/", "https://joe:[masked]＠host.example/"),
        ("https://a.example/cb?client_secret＝S3CR3T", "https://a.example/cb?client_secret＝[masked]"),
        ("https://a.example/cb?password%EF%BC%9DS3CR3T", "https://a.example/cb?password%EF%BC%9D[masked]"),
        ("https://a.example/cb?data=client_secret,S3CR3T", "https://a.example/cb?data=client_secret,[masked]"),
        (
            "https://a.example/cb?name=client_secret&value=S3CR3T&x=1",
            "https://a.example/cb?name=client_secret&value=[masked]&x=1",
        ),
    ] {
        assert_eq!(masked(uri), expected, "{uri}");
        assert_eq!(masked(expected), expected, "a second time changes nothing: {uri}");
    }
}

#[test]
fn the_usual_names_of_secrets_are_masked() {
    let names = "app_key client_key consumer_key master_key session_key sharedkey encryption_key signingkey webhook_key passkey \
        x-functions-keys key2 passcode pswd user_pass dbpass pass1 pass_1 cred creds pat github_pat sas tkn code_verifier \
        oauth_verifier access_code device_code auth_code2 basic_auth x-auth proxyAuth cookie session-cookie card_pin totp \
        user[pass] p%61sskey kennwort";
    for name in names.split_whitespace() {
        for start in ["https://a.example/cb?x=1&", "https://a.example/cb#", "myapp:/cb;", ""] {
            let uri = format!("{start}{name}=");
            assert_eq!(masked(&format!("{uri}S3CR3T")), format!("{uri}[masked]"), "{name}");
            assert_eq!(masked(&format!("{uri}[masked]")), format!("{uri}[masked]"), "{name}");
        }
    }
}

#[test]
fn an_ordinary_name_that_looks_like_the_name_of_a_secret_is_not_masked() {
    let names = "keyboard monkey turkey2 keyword keyid key_id bypass compass author authority barcode zipcode postal_code \
        post-code countryCode billing_country_code area_code language_code status_code error_codes codec passenger passive \
        state nonce pattern patient path sast sacred incredible public_key site-key oauth oauth2 cookieconsent pinned \
        signal token_type code_challenge code_challenge_method response_type login_hint redirect_uri name value";
    for name in names.split_whitespace() {
        for start in ["https://a.example/cb?x=1&", "https://a.example/cb#", "myapp:/cb;"] {
            let uri = format!("{start}{name}=plain");
            assert_eq!(masked(&uri), uri, "{name}");
        }
    }
}

#[test]
fn an_address_without_a_secret_is_not_changed() {
    for uri in [
        "",
        "https://a.example/cb",
        "https://a.example:8443/cb?x=1&response_type=code&scope=token",
        "https://token:8443/cb",
        "https://good.example@evil.example/",
        "https://*:*@a.example/*?code=*",
        "https://[::1]:8080/cb",
        "https://a.example/password/reset?token_type=bearer&code=",
        "https://a.example/cb?login=joe@b.example",
        "https://a.example/cb?next=https%3A%2F%2Fb.example%2F%3Fx%3D1",
        "mailto:joe@example.com",
        "com.example.app:/oauth",
        "secret-app://callback/home",
        "token:/callback",
        "com.example.auth:callback",
        "com.example.passkey:/callback",
        "urn:ietf:wg:oauth:2.0:oob",
        "sip:joe@host.example;transport=tcp",
        "mailto:joe@example.com?cc=ann@example.com",
        "https://a.example/cb?method=client_secret_basic,client_secret_post",
        "https://a.example/cb?scope=openid,profile&name=theme&value=dark",
        "https://auth.example:8443/turkey:monkey",
        "https://a.example/100%/x?y=%zz",
        "nonsense",
    ] {
        assert_eq!(masked(uri), uri);
        assert!(!is_masked(uri));
    }
}

#[test]
fn a_description_is_masked_word_by_word() {
    for (text, expected) in [
        ("Owner: joe@example.com, code: blue", "Owner: joe@example.com, code: blue"),
        ("use password=S3CR3T  here\nplease", "use password=[masked]  here\nplease"),
        ("see https://u:S3CR3T@a.example/ now", "see https://u:[masked]@a.example/ now"),
        ("a=b (client_secret=S3CR3T)", "a=b (client_secret=[masked]"),
        ("Password: S3CR3T", "Password: [masked]"),
        ("client_secret:  S3CR3T, owner: Ann", "client_secret:  [masked] owner: Ann"),
        ("password = S3CR3T ok", "password = [masked] ok"),
        ("password =S3CR3T", "password =[masked]"),
        ("password : S3CR3T", "password : [masked]"),
        ("Passcode:S3CR3T", "Passcode:[masked]"),
        ("api key: blue, api_key: S3CR3T", "api key: blue, api_key: [masked]"),
        ("{\"client_secret\": \"S3CR3T\"}", "{\"client_secret\": [masked]"),
        ("\"password\":\"S3CR3T\"", "\"password\":[masked]"),
        ("**Password:** S3CR3T", "**Password:** [masked]"),
        ("Authorization: Bearer S3CR3T", "Authorization: Bearer [masked]"),
        ("pwd＝S3CR3T pw： S3CR3T", "pwd＝[masked] pw： [masked]"),
        ("password\n=\nS3CR3T", "password\n=\n[masked]"),
        ("Rotates the password every week: Ann", "Rotates the password every week: Ann"),
        ("Country code: DE, Auth: OAuth, author: Ann", "Country code: DE, Auth: OAuth, author: Ann"),
    ] {
        assert_eq!(masked_prose(text), expected);
        assert_eq!(masked_prose(expected), expected);
    }
}

#[test]
fn addresses_that_differ_only_in_a_secret_stay_different_in_any_order() {
    let uri = |secret: &str| format!("https://a.example/cb?token={secret}");
    let two = masked_uris([uri("one"), uri("two"), uri("one"), "https://b.example/".to_owned()]);
    assert_eq!(two, [uri("[masked]"), uri("[masked 2]"), "https://b.example/".to_owned()]);
    assert_eq!(masked_uris([uri("two"), uri("one")]), two[..2], "the order does not matter");
    assert_eq!(masked_uris([uri("three"), uri("four")]), two[..2], "a new secret is not a new address");
    assert_eq!(masked_uris(two.clone()), two, "a second time changes nothing");
    let long = masked_uris(["a", "b"].map(|end| format!("https://a.example/{}{end}", "x".repeat(5_000))));
    assert!(long[0] != long[1] && long.iter().all(|uri| uri.chars().count() == LONGEST_URI));
}

/// A secret that contains delimiters, none of which starts another parameter.
const SECRET: &str = "Zq7[a-zA-Z0-9/#?+:@ %!*~]{0,12}Zq7";

proptest! {
    #[test]
    fn a_masked_address_contains_nothing_of_the_secret(
        secret in SECRET,
        start in "(https://a[.]example|myapp:|myapp://x|)/[a-z]{0,5}",
        name in "(?i)(client_secret|access_token|pass_?word|api-?key|my%5Fsecret|sig|code|(my|db|x)?_(key|pass|code|auth|creds?|cookie)[0-9]{0,2})",
        at in prop_oneof![Just("?x=1&"), Just("#"), Just("?"), Just(";"), Just("/")],
    ) {
        let uri = format!("{start}{at}{name}={secret}");
        let result = masked(&uri).into_owned();
        prop_assert!(!result.contains("Zq7"), "{uri} -> {result}");
        prop_assert_eq!(masked(&result), result.as_str());
    }

    /// An `@` in the password would end it: what follows is then the host that a browser contacts, and must stay visible.
    #[test]
    fn a_password_before_the_host_is_masked(secret in "Zq7[a-zA-Z0-9/#?+: %!*~]{0,12}Zq7", scheme in "(https?|myapp)://|https:|") {
        let uri = format!("{scheme}joe:{secret}@host.example/cb");
        let result = masked(&uri).into_owned();
        prop_assert!(!result.contains("Zq7"), "{uri} -> {result}");
        prop_assert!(result.contains("host.example"), "{}", result);
    }

    #[test]
    fn the_word_after_the_name_of_a_secret_is_masked(
        secret in "Zq7[a-zA-Z0-9/#?+:@%!*~=]{0,12}Zq7",
        name in "(?i)(client_secret|pass_?word|passcode|db_pass|api-?key|token|creds)",
        separator in "[:=：＝]|[ ][:=] ?|[:=][ \n]{1,2}",
    ) {
        let result = masked_prose(&format!("Ann: {name}{separator}{secret} end")).into_owned();
        prop_assert!(!result.contains("Zq7") && result.starts_with("Ann: ") && result.ends_with(" end"), "{result}");
        prop_assert_eq!(masked_prose(&result), result.as_str());
    }

    #[test]
    fn any_text_can_be_masked_and_a_second_time_changes_nothing(
        text in "\\PC{0,40}|[a-z:/?#&;=@%0-9\\[\\]*,]{0,40}|(token|a|key|sip|name|value|client_secret|[＝：＠ ]|%3[dDaA]|%40|%2[5fF]|[:/?#&;=@,]){0,14}"
    ) {
        let once = masked(&text).into_owned();
        prop_assert_eq!(masked(&once), once.as_str());
        let prose = masked_prose(&text).into_owned();
        prop_assert_eq!(masked_prose(&prose), prose.as_str());
    }

    /// Plain addresses are recognised without the search for secrets. It would find none.
    #[test]
    fn nothing_is_masked_in_a_plain_address(
        text in "https?://(a[.]example|token|key|[a-z0-9._~-]{0,8})(:[0-9]{0,5})?(/(token|client_secret|[A-Za-z0-9._~/-]{0,12})){0,3}"
    ) {
        prop_assert!(is_plain_address(&text));
        prop_assert_eq!(mask(&text, 0), text);
    }

    #[test]
    fn an_address_is_plain_only_if_nothing_in_it_is_masked(
        text in "https?://([a-z.:@=,%\\[\\]0-9?#&;/]|token|client_secret|name|%40|\\[masked\\]|[＝：＠]){0,12}"
    ) {
        prop_assert!(!is_plain_address(&text) || mask(&text, 0) == text);
    }
}
