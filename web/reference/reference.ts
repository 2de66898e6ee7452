/** The part of Swagger UI that this page uses, from its own script. */
interface SwaggerUi {
  (options: {
    readonly url: string;
    readonly dom_id: string;
    readonly deepLinking: boolean;
    readonly persistAuthorization: boolean;
    readonly validatorUrl: null;
  }): unknown;
}

declare const SwaggerUIBundle: SwaggerUi;

// The key that is typed in stays in the page, and is gone when it is closed.
SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
});
