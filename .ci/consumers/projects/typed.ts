import 'express-token-introspection/express';
import express from 'express';

express().get('/', (req, res) => {
  const scope: string | undefined = req.auth?.scope;
  res.json({ scope });
});
