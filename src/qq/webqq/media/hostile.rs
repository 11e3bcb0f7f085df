//! Pages and offers as a broken or hostile server may send them. `scripts/fuzz` runs these with 100,000 cases.

use proptest::prelude::*;
use serde_json::Value;

use super::{Offer, callback};
use crate::base::damage::anything_like;

/// What QQ answers to uploads. Source: protocol dossier 10.1.
const PAGES: [&str; 2] = [
    "<head><script>document.domain='qq.com';parent.EQQ.Model.ChatMsg.callbackSendPic({\"retcode\":0, \"filesize\":17299, \
     \"filename\":\"%7B..%7D[2].jpg\", \"filepath\":\"/279dd1f0\"});</script></head><body></body>",
    "<script>parent.EQQ.Model.ChatMsg.callbackSendPicGroup({'ret':0,'msg':'587D08324C50F0E9.jPg'});</script>",
];

/// Files that friends offer. Source: protocol dossier 7.6.
const OFFERS: [&str; 2] = [
    r#"{"msg_id":6299,"mode":"recv","from_uin":2786090795,"type":101,"name":"test.txt","session_id":19823}"#,
    r#"{"rkey":"2c09344b","ip":"101.226.77.168","port":80,"from_uin":2786090795,"size":235,"name":"test2.py"}"#,
];

fn like(samples: [&str; 2]) -> impl Strategy<Value = Vec<u8>> + use<> {
    anything_like(samples.map(|text| text.as_bytes().to_vec()).to_vec())
}

proptest! {
    #[test]
    fn the_page_of_an_upload_is_read_or_refused_by_its_name(body in like(PAGES)) {
        match callback("cface_upload", &body) {
            Ok(answer) => prop_assert!(answer.is_object() && answer.to_string().len() <= 6 * body.len()),
            Err(error) => {
                let said = error.to_string();
                prop_assert!(said.starts_with("cface_upload: ") && said.len() < 400, "{said}");
            }
        }
    }

    #[test]
    fn an_offer_keeps_no_more_than_came(body in like(OFFERS)) {
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        for poll_type in ["file_message", "push_offfile"] {
            if let Some(offer) = Offer::read(poll_type, &value) {
                let media = offer.seal("name");
                prop_assert!(media.body.len() <= 2 * body.len() + 200);
                prop_assert_eq!(Offer::open(&media), Some(offer));
            }
        }
    }
}
