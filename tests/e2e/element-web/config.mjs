// Settings must be in place before the rest of Element is imported: some of it reads them at load time.
import SdkConfig from "matrix-react-sdk/src/SdkConfig";

const answer = await fetch("config.json"); // made by the web server, which knows the homeserver's address
export const config = await answer.json();
SdkConfig.put(config);
