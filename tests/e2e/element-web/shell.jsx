// A thin page around Element's published UI (matrix-react-sdk): one homeserver, Rust crypto, nothing external.
import React from "react";
import ReactDOM from "react-dom";
import BasePlatform from "matrix-react-sdk/src/BasePlatform";
import MatrixChat from "matrix-react-sdk/src/components/structures/MatrixChat";
import PlatformPeg from "matrix-react-sdk/src/PlatformPeg";
import SdkConfig from "matrix-react-sdk/src/SdkConfig";
import { setLanguage } from "matrix-react-sdk/src/languageHandler";
import { MatrixClientPeg } from "matrix-react-sdk/src/MatrixClientPeg";
import { setTheme } from "matrix-react-sdk/src/theme";
import AutoDiscoveryUtils from "matrix-react-sdk/src/utils/AutoDiscoveryUtils";
import { config } from "./config.mjs";

class WebPage extends BasePlatform {
    getConfig = async () => config;
    getDefaultDeviceDisplayName = () => "Element";
    getHumanReadableName = () => "Web Platform";
    requestNotificationPermission = async () => "denied";
    getAppVersion = async () => "test";
    reload() {
        window.location.reload();
    }
}

function shown() { // the screen that the address names: #/room/!id?query
    const [screen, query] = window.location.hash.replace(/^#\/?/, "").split("?");
    return { screen, params: Object.fromEntries(new URLSearchParams(query)) };
}

// sw.js fetches media with the user's token, which it asks for here.
navigator.serviceWorker.addEventListener("message", (event) => event.ports[0].postMessage(MatrixClientPeg.get()?.getAccessToken() ?? null));
await navigator.serviceWorker.register("sw.js");
if (!navigator.serviceWorker.controller) {
    await new Promise((done) => navigator.serviceWorker.addEventListener("controllerchange", done, { once: true }));
}

PlatformPeg.set(new WebPage());
await setLanguage("en");
await setTheme("light");
config.validated_server_config = await AutoDiscoveryUtils.validateServerConfigWithStaticUrls(
    config.default_server_config["m.homeserver"].base_url,
);
config.validated_server_config.isDefault = true;
SdkConfig.put(config);

let own; // the address as we last set it
window.matrixChat = ReactDOM.render(
    <MatrixChat
        config={config}
        realQueryParams={{}}
        startingFragmentQueryParams={shown().params}
        initialScreenAfterLogin={shown().screen ? shown() : { screen: "login" }}
        defaultDeviceDisplayName="Element"
        onTokenLoginCompleted={() => {}}
        onNewScreen={(screen, replace) => {
            own = "#/" + screen;
            window.location[replace ? "replace" : "assign"](own);
        }}
    />,
    document.getElementById("matrixchat"),
);
window.addEventListener("hashchange", () => {
    if (window.location.hash !== own) window.matrixChat.showScreen(shown().screen, shown().params);
});
