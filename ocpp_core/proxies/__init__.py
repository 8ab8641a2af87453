"""What proxies report about the stations behind them: header fields, certificates, the PROXY protocol."""
